import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { invalid, required, type FieldError } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validateUnique } from '../meta-validation.ts';
import { csiNodes } from '../resource.ts';
import { validateImmutable, validateNonnegative } from '../validation.ts';

/** What a node is called by a driver. */
const MAX_NODE_ID = 256;

function validateDriver({ name, nodeID, allocatable }: t.CSINodeDriver, at: string): FieldError[] {
  const id = nodeID ?? '';
  return [
    ...((name ?? '') === '' ? [required(`${at}.name`)] : []),
    ...(id === '' ? [required(`${at}.nodeID`)] : []),
    ...(id.length > MAX_NODE_ID ? [invalid(`${at}.nodeID`, id, `must be ${MAX_NODE_ID} characters or less`)] : []),
    ...validateNonnegative(`${at}.allocatable.count`, allocatable?.count),
  ];
}

/** Everything but how many volumes the node may have. */
function identity({ name, nodeID, topologyKeys }: t.CSINodeDriver): unknown {
  return { name, nodeID, topologyKeys };
}

export const csiNode: KindDefinition<t.CSINode> = defineKind(csiNodes, {
  unconditionalUpdate: false,
  columns: [nameColumn, column('Drivers', 'integer', 'How many drivers of volumes the node has.'), ageColumn],
  row: (of, now) => [of.metadata.name, of.spec.drivers?.length ?? 0, age(of, now)],
  validate: ({ spec: { drivers = [] } }) => [
    ...drivers.flatMap((driver, index) => validateDriver(driver, `spec.drivers[${index}]`)),
    ...validateUnique(
      drivers,
      (index) => `spec.drivers[${index}].name`,
      ({ name }) => name,
    ),
  ],
  validateChange: ({ spec }, { spec: old }) =>
    (old.drivers ?? []).flatMap((before) => {
      const after = (spec.drivers ?? []).find(({ name }) => name === before.name);
      return after === undefined ? [] : validateImmutable('spec.drivers', identity(after), identity(before));
    }),
});

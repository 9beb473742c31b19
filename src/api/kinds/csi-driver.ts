import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { csiDrivers } from '../resource.ts';
import { validateChoice, validateImmutable } from '../validation.ts';

const GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const MODES = ['Ephemeral', 'Persistent'];

export const csiDriver: KindDefinition<t.CSIDriver> = defineKind(csiDrivers, {
  generation: true,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    column('AttachRequired', 'boolean', 'Whether volumes are attached to a node before they are mounted.'),
    column('PodInfoOnMount', 'boolean', 'Whether the driver is told which Pod a volume is mounted for.'),
    column('StorageCapacity', 'boolean', 'Whether the driver says how much room it has.'),
    column('TokenRequests', 'string', 'Audiences of the tokens that the driver is given.'),
    column('RequiresRepublish', 'boolean', 'Whether the driver is called again from time to time.'),
    column('Modes', 'string', 'Kinds of volumes that the driver makes.'),
    ageColumn,
  ],
  row: (of, now) => {
    const { spec } = of;
    return [
      of.metadata.name,
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
      spec.requiresRepublish ?? false,
      spec.volumeLifecycleModes?.join(',') || '<none>',
      age(of, now),
    ];
  },
  defaults: (of) => ({
    ...of,
    spec: {
      ...of.spec,
      attachRequired: of.spec.attachRequired ?? true,
      podInfoOnMount: of.spec.podInfoOnMount ?? false,
      storageCapacity: of.spec.storageCapacity ?? false,
      fsGroupPolicy: of.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: of.spec.volumeLifecycleModes?.length ? of.spec.volumeLifecycleModes : ['Persistent'],
      requiresRepublish: of.spec.requiresRepublish ?? false,
      seLinuxMount: of.spec.seLinuxMount ?? false,
    },
  }),
  validate: ({ spec }) => [
    ...validateChoice('spec.fsGroupPolicy', spec.fsGroupPolicy, GROUP_POLICIES),
    ...(spec.volumeLifecycleModes ?? []).flatMap((mode) => validateChoice('spec.volumeLifecycleModes', mode, MODES)),
  ],
  validateChange: ({ spec }, { spec: old }) => [
    // Kubernetes has that path in its error.
    ...validateImmutable('spec.attachedRequired', spec.attachRequired, old.attachRequired),
    ...validateImmutable('spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.volumeLifecycleModes),
  ],
});

import { column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Subdomain } from '../names.ts';
import { csiStorageCapacities } from '../resource.ts';
import { invalidAll, validateImmutable } from '../validation.ts';

export const csiStorageCapacity: KindDefinition<t.CSIStorageCapacity> = defineKind(csiStorageCapacities, {
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    column('StorageClassName', 'string', 'The class of the volumes that there is room for.'),
    column('Capacity', 'string', 'How much room there is.'),
  ],
  row: (of) => [of.metadata.name, of.storageClassName, of.capacity ?? '<unset>'],
  validate: ({ storageClassName: name = '' }) => invalidAll('storageClassName', name, checkDns1123Subdomain(name)),
  validateChange: (of, old) => [
    ...validateImmutable('nodeTopology', of.nodeTopology, old.nodeTopology),
    ...validateImmutable('storageClassName', of.storageClassName, old.storageClassName),
  ],
});

import { age, ageColumn, column, nameColumn, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { pathSegmentName } from '../names.ts';
import { bindingCells, bindingDefaults, validateBinding, validateBindingChange } from '../rbac.ts';
import { roleBindings } from '../resource.ts';

export const roleBinding: KindDefinition<t.RoleBinding> = defineKind(roleBindings, {
  checkName: pathSegmentName,
  createOnUpdate: true,
  columns: [
    nameColumn,
    column('Role', 'string', 'The role that is bound.'),
    ageColumn,
    wideColumn('Users', 'string', 'Users who have the role.'),
    wideColumn('Groups', 'string', 'Groups that have it.'),
    wideColumn('ServiceAccounts', 'string', 'Service accounts that have it.'),
  ],
  row: (binding, now) => {
    const [role, ...subjects] = bindingCells(binding);
    return [binding.metadata.name, role, age(binding, now), ...subjects];
  },
  defaults: bindingDefaults,
  validate: (binding) => validateBinding(binding, ['Role', 'ClusterRole']),
  validateChange: validateBindingChange,
});

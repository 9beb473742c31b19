import { column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { componentStatuses } from '../resource.ts';

/** Made when it is asked for, and never stored. */
export const componentStatus: KindDefinition<t.ComponentStatus> = defineKind(componentStatuses, {
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  columns: [
    nameColumn,
    column('Status', 'string', 'Whether the part of the cluster is well.'),
    column('Message', 'string', 'What it says.'),
    column('Error', 'string', 'What ails it.'),
  ],
  row: ({ metadata, conditions = [] }) => {
    const { status, message = '', error = '' } = conditions.find(({ type }) => type === 'Healthy') ?? {};
    const shown = status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy';
    return [metadata.name, shown, message, error];
  },
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
});

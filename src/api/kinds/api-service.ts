import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { apiServices } from '../resource.ts';

/** Made when it is asked for, of what is served. */
export const apiService: KindDefinition<t.APIService> = defineKind(apiServices, {
  categories: ['api-extensions'],
  verbs: ['get', 'list'],
  columns: [
    nameColumn,
    column('Service', 'string', 'Who serves it.'),
    column('Available', 'string', 'Whether it is there.'),
    ageColumn,
  ],
  row: (of, now) => {
    const { service } = of.spec ?? {};
    const server = service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`;
    const available = of.status?.conditions?.find(({ type }) => type === 'Available');
    return [of.metadata.name, server, available?.status ?? 'Unknown', age(of, now)];
  },
});

import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { resourceQuotas } from '../resource.ts';

function amounts(quota: t.ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name] ?? '0'}`)
    .join(', ');
}

export const resourceQuota: KindDefinition<t.ResourceQuota> = defineKind(resourceQuotas, {
  shortNames: ['quota'],
  subresources: { status: true },
  columns: [
    nameColumn,
    column('Request', 'string', 'What is in use, out of what may be requested.'),
    column('Limit', 'string', 'What is in use, out of what limits may add up to.'),
    ageColumn,
  ],
  row: (quota, now) => [quota.metadata.name, amounts(quota, false), amounts(quota, true), age(quota, now)],
});

import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { compareQuantities, quantityMillis } from '../quantity.ts';
import { validateScopes } from '../quota/scope.ts';
import { isCounted, validateQuotaResource } from '../quota/resource-names.ts';
import { resourceQuotas } from '../resource.ts';

function amounts(quota: t.ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name] ?? '0'}`)
    .join(', ');
}

function validate({ spec }: t.ResourceQuota): FieldError[] {
  const errors = Object.entries(spec?.hard ?? {}).flatMap(([name, amount]) => {
    const at = `spec.hard[${name}]`;
    const wrong = validateQuotaResource(name, at);
    if (compareQuantities(amount, '0') < 0) wrong.push(invalid(at, amount, 'must be greater than or equal to 0'));
    if (isCounted(name) && quantityMillis(amount) % 1_000 !== 0) wrong.push(invalid(at, amount, 'must be an integer'));
    return wrong;
  });
  return [...errors, ...validateScopes(spec ?? {}, 'spec')];
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
  validate,
  row: (quota, now) => [quota.metadata.name, amounts(quota, false), amounts(quota, true), age(quota, now)],
});

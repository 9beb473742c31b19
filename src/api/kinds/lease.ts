import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { leases } from '../resource.ts';
import { validateNonnegative } from '../validation.ts';

function validate({ spec }: t.Lease): FieldError[] {
  const errors = validateNonnegative('spec.leaseTransitions', spec?.leaseTransitions);
  const seconds = spec?.leaseDurationSeconds;
  if (seconds === undefined || seconds > 0) return errors;
  return [...errors, invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0')];
}

export const lease: KindDefinition<t.Lease> = defineKind(leases, {
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, column('Holder', 'string', 'Who holds the lease.'), ageColumn],
  row: (lease, now) => [lease.metadata.name, lease.spec?.holderIdentity ?? '', age(lease, now)],
  validate,
});

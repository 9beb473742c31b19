import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { serviceCidrs } from '../resource.ts';
import { checkStrictCidr } from '../service/strict-ip.ts';
import { invalidAll } from '../validation.ts';

const CIDRS = 'spec.cidrs';
const IMMUTABLE = 'field is immutable';

function validate({ spec }: t.ServiceCIDR): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(CIDRS, 'at least one CIDR required')];
  // Shown as upstream's own type has it.
  if (cidrs.length > 2) return [invalid(CIDRS, { CIDRs: cidrs }, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((text, i) => invalidAll(`${CIDRS}[${i}]`, text, checkStrictCidr(text)));
  const [first, second] = cidrs.map((text) => text.includes(':'));
  if (errors.length > 0 || second === undefined || first !== second) return errors;
  const text = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
  return [invalid(CIDRS, cidrs, text)];
}

/** A range may be joined by one of the other family, and stays as it is otherwise. */
function validateChange({ spec }: t.ServiceCIDR, { spec: old }: t.ServiceCIDR): FieldError[] {
  const next = spec.cidrs ?? [];
  const before = old.cidrs ?? [];
  const joined = before.length === 1 && next.length === 2;
  if (next.length !== before.length && !joined) return [invalid(CIDRS, next, IMMUTABLE)];
  return before.flatMap((cidr, i) => (cidr === next[i] ? [] : [invalid(`${CIDRS}[${i}]`, next[i], IMMUTABLE)]));
}

export const serviceCidr: KindDefinition<t.ServiceCIDR> = defineKind(serviceCidrs, {
  subresources: { status: true },
  columns: [nameColumn, column('CIDRs', 'string', 'Ranges that ClusterIPs come from.'), ageColumn],
  row: (range, now) => [range.metadata.name, (range.spec.cidrs ?? []).join(','), age(range, now)],
  validate,
  validateChange,
});

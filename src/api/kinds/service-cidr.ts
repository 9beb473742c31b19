import { parseCidr } from '#base/cidr.ts';
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { serviceCidrs } from '../resource.ts';

function validate({ spec }: t.ServiceCIDR): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required('spec.cidrs', 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid('spec', spec, 'may only hold up to 2 values')];
  const parsed = cidrs.map((text) => parseCidr(text));
  const errors = parsed.flatMap((cidr, i) =>
    cidr === undefined
      ? [invalid(`spec.cidrs[${i}]`, cidrs[i], 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
      : [],
  );
  if (errors.length > 0 || cidrs.length < 2 || parsed[0]?.family !== parsed[1]?.family) return errors;
  const text = `may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64`;
  return [invalid('spec.cidrs', cidrs, text)];
}

/** A range may be joined by one of the other family, and stays as it is otherwise. */
function validateChange({ spec }: t.ServiceCIDR, { spec: old }: t.ServiceCIDR): FieldError[] {
  const next = spec.cidrs ?? [];
  const before = old.cidrs ?? [];
  if (before.every((cidr, i) => cidr === next[i]) && next.length >= before.length) return [];
  return [invalid('spec.cidrs[0]', next[0] ?? '', 'field is immutable')];
}

export const serviceCidr: KindDefinition<t.ServiceCIDR> = defineKind(serviceCidrs, {
  subresources: { status: true },
  columns: [nameColumn, column('CIDRs', 'string', 'Ranges that ClusterIPs come from.'), ageColumn],
  row: (range, now) => [range.metadata.name, (range.spec.cidrs ?? []).join(','), age(range, now)],
  validate,
  validateChange,
});

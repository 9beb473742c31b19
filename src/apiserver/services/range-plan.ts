import { cidrContains, cidrSize, type Cidr } from '#base/cidr.ts';
import { rfc3339 } from '#base/clock.ts';
import { parseIp, type Ip } from '#base/ip.ts';
import type { Condition, IPAddress, ServiceCIDR } from '#api/generated/types.ts';
import { ALLOCATOR, MANAGED_BY_LABEL } from './ip-address-object.ts';
import { readyCondition, terminatingCondition, withCondition } from './range-condition.ts';
import { cidrsOf } from './service-ranges.ts';

/** Keeps a ServiceCIDR from going while addresses depend on it. */
export const RANGE_FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Until then other servers on the same store have heard of the deletion and take nothing out of the range any more. */
const GRACE_MS = 10_000;

export type RangeStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'add-finalizer'; readonly finalizers: readonly string[] }
  | { readonly kind: 'set-conditions'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'remove-finalizer'; readonly finalizers: readonly string[] };

/** The next thing to do for a range; it is asked again when that is done. */
export function planRange(
  range: ServiceCIDR,
  all: readonly ServiceCIDR[],
  addresses: Iterable<IPAddress>,
  now: number,
): RangeStep {
  const { deletionTimestamp, finalizers = [] } = range.metadata;
  const status: Partial<ServiceCIDR['status']> | undefined = range.status;
  if (deletionTimestamp === undefined) {
    if (!finalizers.includes(RANGE_FINALIZER)) {
      return { kind: 'add-finalizer', finalizers: [...finalizers, RANGE_FINALIZER] };
    }
    return conditionStep(withCondition(status?.conditions, readyCondition(rfc3339(now))));
  }
  if (!mayBeDeleted(range, all, addresses)) {
    return conditionStep(withCondition(status?.conditions, terminatingCondition(rfc3339(now))));
  }
  const left = Date.parse(deletionTimestamp) + GRACE_MS - now;
  if (left > 0) return { kind: 'wait', ms: left };
  if (!finalizers.includes(RANGE_FINALIZER)) return { kind: 'none' };
  return { kind: 'remove-finalizer', finalizers: finalizers.filter((name) => name !== RANGE_FINALIZER) };
}

function conditionStep(conditions: readonly Condition[] | undefined): RangeStep {
  return conditions === undefined ? { kind: 'none' } : { kind: 'set-conditions', conditions };
}

/** A larger range has all its addresses, or no address has only this one. */
function mayBeDeleted(range: ServiceCIDR, all: readonly ServiceCIDR[], addresses: Iterable<IPAddress>): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== range.metadata.name).flatMap(cidrsOf);
  const own = cidrsOf(range);
  if (own.every((cidr) => others.some((other) => isWithin(cidr, other)))) return true;
  for (const address of addresses) {
    if (address.metadata.labels?.[MANAGED_BY_LABEL] !== ALLOCATOR) continue;
    const ip = parseIp(address.metadata.name);
    if (ip === undefined || !own.some((cidr) => gives(cidr, ip))) continue;
    if (!others.some((cidr) => gives(cidr, ip))) return false;
  }
  return true;
}

function isWithin(inner: Cidr, outer: Cidr): boolean {
  return inner.prefix >= outer.prefix && cidrContains(outer, { family: inner.family, value: inner.base });
}

/** Whether a Service may have this address out of the range: not the network's own, nor IPv4 broadcast. */
export function gives(cidr: Cidr, ip: Ip): boolean {
  if (!cidrContains(cidr, ip) || ip.value === cidr.base) return false;
  return ip.family === 6 || ip.value !== cidr.base + cidrSize(cidr) - 1n;
}

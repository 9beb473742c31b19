import { randomUUID } from 'node:crypto';
import { formatCidr, type Cidr } from '#base/cidr.ts';
import { rfc3339, type Clock } from '#base/clock.ts';
import type { ServiceCIDR } from '#api/generated/types.ts';
import { serviceCidrs } from '#api/resource.ts';
import { StaleError, type ObjectStorage } from '../storage/object-storage.ts';
import { readyCondition } from './range-condition.ts';
import { RANGE_FINALIZER } from './range-plan.ts';
import { DEFAULT_RANGE } from './service-ranges.ts';

export interface DefaultRangeOptions {
  readonly storage: ObjectStorage;
  readonly clock: Clock;
  readonly serviceCidrs: readonly Cidr[];
}

/**
 * Makes the ServiceCIDR `kubernetes` out of the server's own ranges where there is none, and gives it the second range when
 * the server has got one. It is not changed otherwise: addresses are in use, and other servers may have other options. Resolves to one
 * that differs.
 */
export async function ensureDefaultRange(options: DefaultRangeOptions): Promise<ServiceCIDR | undefined> {
  const { storage, clock } = options;
  const cidrs = options.serviceCidrs.map((cidr) => formatCidr(cidr));
  const cache = storage.cache(serviceCidrs);
  const stored = cache.get(DEFAULT_RANGE);
  try {
    if (stored === undefined) {
      await storage.put(cache, DEFAULT_RANGE, defaultRange(cidrs, clock), 0);
      return undefined;
    }
    const range = stored.object as ServiceCIDR;
    const present = range.spec.cidrs ?? [];
    if (present.join() === cidrs.join()) return undefined;
    if (cidrs.length === 2 && present.length === 1 && present[0] === cidrs[0]) {
      const next: ServiceCIDR = { ...range, spec: { cidrs } };
      await storage.put(cache, DEFAULT_RANGE, next, stored.revision);
      return undefined;
    }
    return range;
  } catch (error) {
    // Another server was faster; what it made is as good.
    if (!(error instanceof StaleError)) throw error;
    return undefined;
  }
}

function defaultRange(cidrs: readonly string[], clock: Clock): ServiceCIDR {
  const now = rfc3339(clock.now());
  const metadata = { name: DEFAULT_RANGE, uid: randomUUID(), creationTimestamp: now, finalizers: [RANGE_FINALIZER] };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata,
    spec: { cidrs },
    status: { conditions: [readyCondition(now)] },
  } as unknown as ServiceCIDR;
}

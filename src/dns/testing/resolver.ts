import { parseCidr } from '#base/cidr.ts';
import { systemClock } from '#base/clock.ts';
import { createForwarder } from '../forward-socket.ts';
import { createResolver, type Resolve, type ResolverOptions } from '../resolver.ts';
import type { Zone } from '../zone.ts';

/** A resolver with the usual service range, and nobody to ask unless the options say so. */
export function testResolver(zone: Zone, options: Partial<ResolverOptions> = {}): Resolve {
  const range = parseCidr('10.96.0.0/12');
  const forwarder = createForwarder({ upstreams: [], clock: systemClock });
  return createResolver({
    zone,
    forwarder,
    ownRanges: range === undefined ? [] : [range],
    isReady: () => true,
    ...options,
  });
}

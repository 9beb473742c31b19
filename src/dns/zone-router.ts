import { isBelow, type WireName } from './name.ts';
import { nameOf, parseQuery } from './query.ts';
import { bareReply, errorReply } from './reply.ts';
import type { Resolve } from './resolver.ts';

export interface ZoneRoute {
  readonly zones: readonly WireName[];
  readonly resolve: Resolve;
}

/** To the one whose zone fits best, which is the longest. A name that is nobody's is refused. */
export function routeByZone(routes: readonly ZoneRoute[]): Resolve {
  const [only] = routes;
  if (routes.length === 1 && only?.zones.includes('\0') === true) return only.resolve;
  const byLength = routes
    .flatMap(({ zones, resolve }) => zones.map((zone) => ({ zone, resolve })))
    .toSorted((a, b) => b.zone.length - a.zone.length);
  return (bytes, transport, client, depth) => {
    const query = parseQuery(bytes);
    if (query.kind === 'ignore') return undefined;
    if (query.kind === 'error') return errorReply(bytes, query.rcode);
    const name = nameOf(query);
    const route = byLength.find(({ zone }) => isBelow(name, zone));
    return route === undefined ? bareReply(query, 'REFUSED') : route.resolve(bytes, transport, client, depth);
  };
}

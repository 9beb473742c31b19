import { deepEqual } from '#api/equal.ts';
import type { Endpoint, EndpointSlice } from '#api/generated/types.ts';

/** Upstream's default of --max-endpoints-per-slice. */
export const MAX_ENDPOINTS = 100;

export interface Packing {
  /** Contents of slices to be made. */
  readonly create: readonly (readonly Endpoint[])[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[];
  readonly delete: readonly EndpointSlice[];
  readonly unchanged: readonly EndpointSlice[];
}

/**
 * Distributes the desired endpoints of one list of ports over slices with the fewest writes, rather than the fewest
 * slices: endpoints stay where they are, new ones go into slices that must be written anyway, then into one more that
 * has room for all of them, and only then into new ones. Nothing is moved to even slices out. No two of the desired
 * endpoints may have the same key.
 */
export function packEndpoints(
  existing: readonly EndpointSlice[],
  desired: readonly Endpoint[],
  max: number = MAX_ENDPOINTS,
): Packing {
  const fresh = new Set(desired);
  const changed: { slice: EndpointSlice; endpoints: Endpoint[] }[] = [];
  const removed: EndpointSlice[] = [];
  // Most slices are as they were when last looked at: only the others are worth comparing by key.
  const [untouched, others] = partition(existing, (slice) => isUntouched(slice, fresh));
  let unchanged = untouched;
  const left = new Map([...fresh].map((endpoint) => [endpointKey(endpoint), endpoint]));
  for (const slice of others) {
    const { kept, differs } = keepDesired(slice, left);
    if (!differs) unchanged.push(slice);
    else if (kept.length === 0) removed.push(slice);
    else changed.push({ slice, endpoints: kept });
  }
  const queue = [...left.values()];
  for (const { endpoints } of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...queue.splice(0, max - endpoints.length));
  }
  const create: Endpoint[][] = [];
  while (queue.length > 0) {
    const slice = queue.length < max ? fullestWithRoom(unchanged, queue.length, max) : undefined;
    const added = queue.splice(0, max);
    if (slice === undefined) {
      create.push(added);
    } else {
      unchanged = unchanged.filter((other) => other !== slice);
      changed.push({ slice, endpoints: [...(slice.endpoints ?? []), ...added] });
    }
  }
  return { create, update: changed, delete: removed, unchanged };
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}

/** Whether all the slice's endpoints are known to be just what is wanted; they are then taken out of `fresh`. */
function isUntouched({ endpoints = [] }: EndpointSlice, fresh: Set<Endpoint>): boolean {
  for (const [i, endpoint] of endpoints.entries()) {
    const wanted = equals.get(endpoint);
    if (wanted !== undefined && fresh.delete(wanted)) continue;
    for (const taken of endpoints.slice(0, i)) fresh.add(equals.get(taken) ?? taken);
    return false;
  }
  return true;
}

/** The slice's endpoints that are still wanted, as they now are; they are taken out of `left`. */
function keepDesired(slice: EndpointSlice, left: Map<string, Endpoint>): { kept: Endpoint[]; differs: boolean } {
  const kept: Endpoint[] = [];
  const before = slice.endpoints ?? [];
  let differs = false;
  for (const endpoint of before) {
    const key = endpointKey(endpoint);
    const wanted = left.get(key);
    if (wanted === undefined) continue;
    left.delete(key);
    kept.push(wanted);
    differs ||= !isSame(wanted, endpoint);
  }
  return { kept, differs: differs || kept.length !== before.length };
}

/** Pairs that were found equal; objects are never changed, so they stay so. */
const equals = new WeakMap<Endpoint, Endpoint>();

export function isSame(wanted: Endpoint, endpoint: Endpoint): boolean {
  if (equals.get(endpoint) === wanted) return true;
  const same = deepEqual(wanted, endpoint);
  if (same) equals.set(endpoint, wanted);
  return same;
}

const keys = new WeakMap<Endpoint, string>();

/** Two endpoints with the same key are one that may have changed. */
export function endpointKey(endpoint: Endpoint): string {
  let key = keys.get(endpoint);
  if (key === undefined) {
    const { addresses, targetRef } = endpoint;
    key = `${addresses.join()} ${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''}`;
    keys.set(endpoint, key);
  }
  return key;
}

export function fullestWithRoom(
  slices: readonly EndpointSlice[],
  count: number,
  max: number,
): EndpointSlice | undefined {
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const length = slice.endpoints?.length ?? 0;
    if (length + count <= max && length >= (best?.endpoints?.length ?? 0)) best = slice;
  }
  return best;
}

import { type Endpoint, type EndpointSlice, type Pod } from '#api/generated/types.ts';
import { addressTypesOf, partOf, portsKey, type Part } from './endpoint-slice-desired.ts';
import { endpointKey, fullestWithRoom, isSame, MAX_ENDPOINTS } from './endpoint-slice-packing.ts';
import { changedSlice, isOwned, type EndpointSliceState, type ServicePlan } from './endpoint-slice-plan.ts';
import { wantsTopologyHints } from './topology-hints.ts';

/**
 * The same plan as `planEndpointSlices` gives, for a Service of which nothing changed since the last one but these Pods, at
 * a cost that does not grow with the Service. Undefined when it takes all Pods to tell: an endpoint goes or moves to
 * other slices, several come or there is no room for one, or hints depend on all of them.
 */
export function patchEndpointSlices(
  state: Omit<EndpointSliceState, 'pods' | 'capacity'>,
  changed: readonly Pod[],
): ServicePlan | undefined {
  const { service, slices, zoneOf } = state;
  if (wantsTopologyHints(service)) return undefined;
  const update = new Map<EndpointSlice, Endpoint[]>();
  for (const addressType of addressTypesOf(service)) {
    const own = slices.filter((slice) => slice.addressType === addressType && isOwned(slice, service));
    const parts = changed.map((pod) => ({ place: placeOf(own, pod), part: partOf(service, pod, addressType, zoneOf) }));
    const [added, ...others] = parts.filter(({ place, part }) => place === undefined && part.endpoint !== undefined);
    if (others.length > 0) return undefined;
    for (const { place, part } of parts) {
      if (place !== undefined && !replaceEndpoint(update, place, part)) return undefined;
    }
    if (added !== undefined && !addEndpoint(update, own, added.part)) return undefined;
  }
  return {
    create: [],
    update: [...update].map(([slice, endpoints]) => changedSlice(state, slice, endpoints)),
    delete: [],
    hints: new Map(),
  };
}

type Updates = Map<EndpointSlice, Endpoint[]>;

interface Place {
  readonly slice: EndpointSlice;
  readonly index: number;
}

/** False where the endpoint cannot stay there. */
function replaceEndpoint(update: Updates, { slice, index }: Place, { endpoint, key }: Part): boolean {
  const before = slice.endpoints?.[index];
  if (endpoint === undefined || before === undefined) return false;
  if (contentsOf(slice).ports !== key || endpointKey(before) !== endpointKey(endpoint)) return false;
  if (isSame(endpoint, before)) return true;
  const endpoints = update.get(slice) ?? [...(slice.endpoints ?? [])];
  endpoints[index] = endpoint;
  update.set(slice, endpoints);
  return true;
}

/** Into a slice that is written anyway, or else into the fullest that has room; false where none has. */
function addEndpoint(update: Updates, slices: readonly EndpointSlice[], { endpoint, key }: Part): boolean {
  const group = slices.filter((slice) => contentsOf(slice).ports === key);
  const written = group
    .filter((slice) => update.has(slice))
    .sort((a, b) => sizeOf(b) - sizeOf(a))
    .find((slice) => sizeOf(slice) < MAX_ENDPOINTS);
  const slice = written ?? fullestWithRoom(group, 1, MAX_ENDPOINTS);
  if (slice === undefined || endpoint === undefined) return false;
  update.set(slice, [...(update.get(slice) ?? slice.endpoints ?? []), endpoint]);
  return true;
}

function sizeOf({ endpoints = [] }: EndpointSlice): number {
  return endpoints.length;
}

interface Contents {
  readonly ports: string;
  /** By the names of Pods. */
  readonly places: ReadonlyMap<string, number>;
}

/** Slices are never changed in place. */
const contents = new WeakMap<EndpointSlice, Contents>();

function contentsOf(slice: EndpointSlice): Contents {
  let known = contents.get(slice);
  if (known === undefined) {
    const places = new Map((slice.endpoints ?? []).map(({ targetRef }, index) => [targetRef?.name ?? '', index]));
    known = { ports: portsKey(slice.ports ?? []), places };
    contents.set(slice, known);
  }
  return known;
}

/** Where the Pod's endpoint is, as it was. */
function placeOf(slices: readonly EndpointSlice[], pod: Pod): Place | undefined {
  for (const slice of slices) {
    const index = contentsOf(slice).places.get(pod.metadata.name);
    if (index !== undefined) return { slice, index };
  }
  return undefined;
}

import type { Endpoint, EndpointSlice, Pod } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { addressTypesOf, partOf, portsKey, type Part } from './endpoint-slice-desired.ts';
import { endpointKey, fullestWithRoom, isSame, MAX_ENDPOINTS } from './endpoint-slice-packing.ts';
import { changedSlice, isOwned, newSlice, type EndpointSliceState, type ServicePlan } from './endpoint-slice-plan.ts';
import { isTerminating } from '../pod-state.ts';
import { wantsTopologyHints } from './topology-hints.ts';

/**
 * The same plan as `planEndpointSlices` gives, for a Service of which nothing changed since the last one but these Pods, at
 * a cost that does not grow with the Service. Undefined when it takes all Pods to tell: an endpoint goes or moves to
 * other slices, several come or the first of its ports does, or hints depend on all of them.
 */
export function patchEndpointSlices(
  state: Omit<EndpointSliceState, 'pods' | 'capacity'>,
  changed: readonly Pod[],
): ServicePlan | undefined {
  const { service, slices, zoneOf } = state;
  // One that is on its way out gets no new slices.
  if (wantsTopologyHints(service) || isTerminating(service)) return undefined;
  const update: Updates = new Map();
  const create: NewObject<EndpointSlice>[] = [];
  for (const addressType of addressTypesOf(service)) {
    const own = slices.filter((slice) => slice.addressType === addressType && isOwned(slice, service));
    const parts = changed.map((pod) => ({ place: placeOf(own, pod), part: partOf(service, pod, addressType, zoneOf) }));
    const [added, ...others] = parts.filter(({ place, part }) => place === undefined && part.endpoint !== undefined);
    if (others.length > 0) return undefined;
    for (const { place, part } of parts) {
      if (place !== undefined && !replaceEndpoint(update, place, part)) return undefined;
    }
    if (added?.part.endpoint === undefined) continue;
    const { key, ports, endpoint } = added.part;
    const group = own.filter((slice) => contentsOf(slice).ports === key);
    if (group.length === 0) return undefined;
    const slice = sliceWithRoom(update, group);
    if (slice === undefined) create.push(newSlice(state, addressType, ports, [endpoint]));
    else update.set(slice, [...(update.get(slice) ?? slice.endpoints ?? []), endpoint]);
  }
  return {
    create,
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

/** One that is written anyway, or else the fullest. */
function sliceWithRoom(update: Updates, slices: readonly EndpointSlice[]): EndpointSlice | undefined {
  const written = slices
    .filter((slice) => update.has(slice))
    .sort((a, b) => sizeOf(b) - sizeOf(a))
    .find((slice) => sizeOf(slice) < MAX_ENDPOINTS);
  return written ?? fullestWithRoom(slices, 1, MAX_ENDPOINTS);
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

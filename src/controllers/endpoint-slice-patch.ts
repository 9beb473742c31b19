import { type Endpoint, type EndpointSlice, type Pod } from '#api/generated/types.ts';
import { addressTypesOf, partOf, portsKey, type Part } from './endpoint-slice-desired.ts';
import { endpointKey, isSame } from './endpoint-slice-packing.ts';
import { changedSlice, isOwned, type EndpointSliceState, type ServicePlan } from './endpoint-slice-plan.ts';
import { wantsTopologyHints } from './topology-hints.ts';

/**
 * The same plan as `planEndpointSlices` gives, for a Service of which nothing changed since the last one but these Pods, at
 * a cost that does not grow with the Service. Undefined when it takes all Pods to tell: an endpoint comes, goes or moves to
 * other slices, or hints depend on all of them.
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
    for (const pod of changed) {
      const part = partOf(service, pod, addressType, zoneOf);
      const place = part.endpoint === undefined ? undefined : placeOf(own, part.endpoint, part);
      if (place === undefined || part.endpoint === undefined) return undefined;
      const { slice, index } = place;
      const before = slice.endpoints?.[index];
      if (before !== undefined && isSame(part.endpoint, before)) continue;
      const endpoints = update.get(slice) ?? [...(slice.endpoints ?? [])];
      endpoints[index] = part.endpoint;
      update.set(slice, endpoints);
    }
  }
  return {
    create: [],
    update: [...update].map(([slice, endpoints]) => changedSlice(state, slice, endpoints)),
    delete: [],
    hints: new Map(),
  };
}

interface Contents {
  readonly ports: string;
  readonly places: ReadonlyMap<string, number>;
}

/** Slices are never changed in place. */
const contents = new WeakMap<EndpointSlice, Contents>();

function contentsOf(slice: EndpointSlice): Contents {
  let known = contents.get(slice);
  if (known === undefined) {
    const places = new Map((slice.endpoints ?? []).map((endpoint, index) => [endpointKey(endpoint), index]));
    known = { ports: portsKey(slice.ports ?? []), places };
    contents.set(slice, known);
  }
  return known;
}

function placeOf(
  slices: readonly EndpointSlice[],
  endpoint: Endpoint,
  part: Part,
): { readonly slice: EndpointSlice; readonly index: number } | undefined {
  const key = endpointKey(endpoint);
  for (const slice of slices) {
    const { ports, places } = contentsOf(slice);
    const index = places.get(key);
    if (index !== undefined) return ports === part.key ? { slice, index } : undefined;
  }
  return undefined;
}

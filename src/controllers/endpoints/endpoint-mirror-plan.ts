import { parseIp } from '#base/ip.ts';
import { deepEqual } from '#api/equal.ts';
import type {
  CoreEndpointPort,
  Endpoint,
  EndpointAddress,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
  Service,
} from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { controllerReference } from '../claims.ts';
import { type AddressType, portsKey } from './endpoint-slice-desired.ts';
import { endpointKey, packEndpoints } from './endpoint-slice-packing.ts';
import type { EndpointSlicePlan } from './endpoint-slice-plan.ts';
import { isTerminating } from '../pod-state.ts';

export const MIRRORED_BY = 'endpointslicemirroring-controller.k8s.io';
const MAX_ADDRESSES = 1000;
const NOT_COPIED: ReadonlySet<string> = new Set([
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
]);

export interface MirrorPlan extends EndpointSlicePlan {
  /** Addresses that are none, and those beyond what a subset may have. */
  readonly invalid: number;
  readonly surplus: number;
}

/** Whether the user wrote the endpoints, of a Service that selects nothing, and wants them in slices as well. */
export function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations } = endpoints.metadata;
  if (labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true') return false;
  // Locks of leaders, from before there were leases.
  if (annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return false;
  return service !== undefined && service.spec.selector === undefined && !isTerminating(endpoints);
}

interface Group {
  readonly addressType: AddressType;
  readonly ports: readonly CoreEndpointPort[];
  readonly endpoints: Endpoint[];
}

/** The writes that take the mirroring slices to what the Endpoints say. Models endpointslicemirroring of v1.34. */
export function planMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): MirrorPlan {
  const groups = new Map<string, Group>();
  let invalid = 0;
  let surplus = 0;
  for (const subset of endpoints.subsets ?? []) {
    const counts = addSubset(groups, subset);
    invalid += counts.invalid;
    surplus += counts.surplus;
  }
  const create: NewObject<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const left = Map.groupBy(slices, groupKey);
  const remove: EndpointSlice[] = [];
  const metadata = metadataOf(endpoints);
  for (const [key, { addressType, ports, endpoints: wanted }] of groups) {
    const packing = packEndpoints(left.get(key) ?? [], unique(wanted));
    left.delete(key);
    const generateName = `${endpoints.metadata.name}-`;
    const { namespace } = endpoints.metadata;
    const ownerReferences = [controllerReference({ ...endpoints, apiVersion: 'v1', kind: 'Endpoints' })];
    for (const list of packing.create) {
      create.push({
        metadata: { generateName, namespace, ...metadata, ownerReferences },
        addressType,
        endpoints: list,
        ports,
      });
    }
    update.push(...packing.update.map(({ slice, endpoints: list }) => changed(slice, metadata, list)));
    const relabelled = packing.unchanged.filter(
      (slice) =>
        !deepEqual(slice.metadata.labels, metadata.labels) ||
        !deepEqual(slice.metadata.annotations, metadata.annotations),
    );
    update.push(...relabelled.map((slice) => changed(slice, metadata, slice.endpoints ?? [])));
    remove.push(...packing.delete);
  }
  for (const stray of left.values()) remove.push(...stray);
  return { create, update, delete: remove, invalid, surplus };
}

/** One that is listed twice is ready if it is so once. */
function unique(list: readonly Endpoint[]): readonly Endpoint[] {
  const byKey = new Map<string, Endpoint>();
  for (const endpoint of list) {
    const key = endpointKey(endpoint);
    if (byKey.get(key)?.conditions?.ready !== true) byKey.set(key, endpoint);
  }
  return [...byKey.values()];
}

function groupKey({ addressType, ports }: Pick<EndpointSlice, 'addressType' | 'ports'>): string {
  return `${addressType} ${portsKey(ports ?? [])}`;
}

function addSubset(groups: Map<string, Group>, subset: EndpointSubset): { invalid: number; surplus: number } {
  const { addresses = [], notReadyAddresses = [], ports: given = [] } = subset;
  const ports = given.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }));
  const all = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ];
  const valid = all.filter(({ address }) => parseIp(address.ip) !== undefined);
  for (const { address, ready } of valid.slice(0, MAX_ADDRESSES)) {
    const addressType = address.ip.includes(':') ? 'IPv6' : 'IPv4';
    const key = groupKey({ addressType, ports });
    const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
    group.endpoints.push(endpointOf(address, ready));
    groups.set(key, group);
  }
  return { invalid: all.length - valid.length, surplus: Math.max(0, valid.length - MAX_ADDRESSES) };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

type Copied = Pick<EndpointSlice['metadata'], 'labels' | 'annotations'>;

function metadataOf({ metadata: { name, labels, annotations } }: Endpoints): Copied {
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  return {
    labels: {
      ...labels,
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': MIRRORED_BY,
    },
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
  };
}

function changed(slice: EndpointSlice, metadata: Copied, endpoints: readonly Endpoint[]): EndpointSlice {
  const { annotations: _, ...others } = slice.metadata;
  return { ...slice, metadata: { ...others, ...metadata }, endpoints };
}

import { formatIp } from '#base/ip.ts';
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
import { parseLegacyIp } from '#api/service/legacy-ip.ts';
import { controllerReference } from '../claims.ts';
import { type AddressType, portsKey } from './endpoint-slice-desired.ts';
import { endpointKey, packEndpoints } from './endpoint-slice-packing.ts';
import type { EndpointSlicePlan } from './endpoint-slice-plan.ts';
import { isTerminating } from '../pod-state.ts';
import { repackSubsets } from './repack-subsets.ts';
import { hasSelector } from './service-pods.ts';

export const MIRRORED_BY = 'endpointslicemirroring-controller.k8s.io';
const MAX_ADDRESSES = 1000;
const NOT_COPIED: ReadonlySet<string> = new Set([
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
]);

export interface MirrorPlan extends EndpointSlicePlan {
  /** Of the addresses: those that are none, and all that are left out. */
  readonly invalid: number;
  readonly skipped: number;
}

/** Whether the user wrote the endpoints, of a Service that selects nothing, and wants them in slices as well. */
export function isMirrored(endpoints: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations } = endpoints.metadata;
  if (labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true') return false;
  // Locks of leaders, from before there were leases.
  if (annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return false;
  return service !== undefined && !hasSelector(service) && !isTerminating(endpoints);
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
  let skipped = 0;
  for (const subset of repackSubsets(endpoints.subsets ?? [])) {
    const counts = addSubset(groups, subset);
    invalid += counts.invalid;
    skipped += counts.skipped;
  }
  const create: NewObject<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const left = Map.groupBy(slices, groupKey);
  const remove: EndpointSlice[] = [];
  const metadata = metadataOf(endpoints);
  for (const [key, { addressType, ports, endpoints: wanted }] of groups) {
    const packing = packEndpoints(left.get(key) ?? [], unique(wanted), MAX_ADDRESSES);
    left.delete(key);
    const generateName = `${endpoints.metadata.name}-`;
    const { namespace } = endpoints.metadata;
    for (const list of packing.create) {
      create.push({
        metadata: { generateName, namespace, ...metadata },
        addressType,
        endpoints: list,
        ports,
      });
    }
    update.push(...packing.update.map(({ slice, endpoints: list }) => changed(slice, metadata, list)));
    const relabelled = packing.unchanged.filter(
      (slice) =>
        !deepEqual(slice.metadata.labels, metadata.labels) ||
        !deepEqual(slice.metadata.annotations, metadata.annotations) ||
        hasOldOwner(slice, endpoints),
    );
    update.push(...relabelled.map((slice) => changed(slice, metadata, slice.endpoints ?? [])));
    remove.push(...packing.delete);
  }
  for (const stray of left.values()) remove.push(...stray);
  return { create, update, delete: remove, invalid, skipped };
}

/** One that is listed twice, which may be as two texts, is what it is said to be last. */
function unique(list: readonly Endpoint[]): readonly Endpoint[] {
  return [...new Map(list.map((endpoint) => [endpointKey(endpoint), endpoint])).values()];
}

function groupKey({ addressType, ports }: Pick<EndpointSlice, 'addressType' | 'ports'>): string {
  return `${addressType} ${portsKey(ports ?? [])}`;
}

function addSubset(groups: Map<string, Group>, subset: EndpointSubset): { invalid: number; skipped: number } {
  const { addresses = [], notReadyAddresses = [], ports: given = [] } = subset;
  const ports = given.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }));
  const all = [
    ...addresses.map((address) => ({ address, ready: true })),
    ...notReadyAddresses.map((address) => ({ address, ready: false })),
  ];
  let invalid = 0;
  let added = 0;
  for (const { address, ready } of all) {
    if (added === MAX_ADDRESSES) break;
    const ip = parseLegacyIp(address.ip);
    if (ip === undefined) {
      invalid++;
      continue;
    }
    added++;
    const addressType: AddressType = ip.family === 6 ? 'IPv6' : 'IPv4';
    const key = groupKey({ addressType, ports });
    const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
    group.endpoints.push(endpointOf(formatIp(ip), address, ready));
    groups.set(key, group);
  }
  return { invalid, skipped: all.length - added };
}

function endpointOf(ip: string, { hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

/** That of Endpoints that were deleted and made again; it would be garbage. */
function hasOldOwner({ metadata: { ownerReferences = [] } }: EndpointSlice, { metadata }: Endpoints): boolean {
  return ownerReferences.some(
    ({ kind, name, uid }) => kind === 'Endpoints' && name === metadata.name && uid !== metadata.uid,
  );
}

type Copied = Pick<EndpointSlice['metadata'], 'labels' | 'annotations' | 'ownerReferences'>;

function metadataOf(endpoints: Endpoints): Copied {
  const { name, labels, annotations } = endpoints.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  return {
    labels: {
      ...labels,
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': MIRRORED_BY,
    },
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    ownerReferences: [controllerReference({ ...endpoints, apiVersion: 'v1', kind: 'Endpoints' })],
  };
}

function changed(slice: EndpointSlice, metadata: Copied, endpoints: readonly Endpoint[]): EndpointSlice {
  const { annotations: _, ...others } = slice.metadata;
  return { ...slice, metadata: { ...others, ...metadata }, endpoints };
}

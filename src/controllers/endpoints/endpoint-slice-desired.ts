import { formatIp, parseIp } from '#base/ip.ts';
import type { DiscoveryEndpointPort, Endpoint, EndpointHints, Pod, Service } from '#api/generated/types.ts';
import { parseLegacyIp } from '#api/service/legacy-ip.ts';
import { type EndpointPort, endpointPortsOf } from './endpoint-port.ts';
import { isPodFinished, isPodReady, isTerminating, podAddresses } from '../pod-state.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share a resolved list of ports, and therefore slices. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** What is known of a node: `undefined` for one that does not exist. */
export type ZoneOf = (nodeName: string) => { readonly zone: string | undefined } | undefined;

export function addressTypesOf(service: Service): readonly AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  if (families.length > 0) return families.filter((family) => family === 'IPv4' || family === 'IPv6');
  return parseIp(service.spec.clusterIP ?? '')?.family === 6 ? ['IPv6'] : ['IPv4'];
}

/** Endpoints of one address type, in the order of the Pods. Models endpointslice/reconciler.go of v1.34. */
export function desiredEndpoints(
  service: Service,
  pods: readonly Pod[],
  addressType: AddressType,
  zoneOf: ZoneOf,
): readonly EndpointGroup[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  const nodes = new Map<string, ReturnType<ZoneOf>>();
  const remembered: ZoneOf = (name) => {
    if (!nodes.has(name)) nodes.set(name, zoneOf(name));
    return nodes.get(name);
  };
  const parts = partsOf(service, addressType);
  for (const pod of pods) {
    const part = knownPart(parts, service, pod, addressType, remembered);
    if (part.endpoint === undefined) continue;
    const group = groups.get(part.key);
    if (group === undefined) groups.set(part.key, { ports: part.ports, endpoints: [part.endpoint] });
    else group.endpoints.push(part.endpoint);
  }
  return [...groups.values()].map((group) => ({ addressType, ...group }));
}

/** What one Pod contributes to the slices of an address type. */
export function partOf(service: Service, pod: Pod, addressType: AddressType, zoneOf: ZoneOf): Part {
  return knownPart(partsOf(service, addressType), service, pod, addressType, zoneOf);
}

function knownPart(
  parts: WeakMap<Pod, Part>,
  service: Service,
  pod: Pod,
  addressType: AddressType,
  zoneOf: ZoneOf,
): Part {
  const { nodeName } = pod.spec;
  const node = nodeName === undefined ? undefined : zoneOf(nodeName);
  const known = parts.get(pod);
  if (known !== undefined && known.known === (node !== undefined) && known.zone === node?.zone) return known;
  const ports = endpointPortsOf(pod, service);
  const endpoint = endpointOf(service, pod, addressType, zoneOf);
  const part = { known: node !== undefined, zone: node?.zone, endpoint, ports, key: portsKey(ports) };
  parts.set(pod, part);
  return part;
}

/** Good for as long as the Pod's node is in the same zone. */
export interface Part {
  readonly known: boolean;
  readonly zone: string | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly ports: readonly EndpointPort[];
  readonly key: string;
}

/**
 * Services and Pods are never changed in place, so what was worked out for a pair of them stays right: of a Service with
 * thousands of Pods, one that changes costs one computation.
 */
const partsByService = new WeakMap<Service, Map<AddressType, WeakMap<Pod, Part>>>();

function partsOf(service: Service, addressType: AddressType): WeakMap<Pod, Part> {
  const byType = partsByService.get(service) ?? new Map<AddressType, WeakMap<Pod, Part>>();
  partsByService.set(service, byType);
  const parts = byType.get(addressType) ?? new WeakMap<Pod, Part>();
  byType.set(addressType, parts);
  return parts;
}

/** Equal for lists of the same ports in any order. */
export function portsKey(ports: readonly DiscoveryEndpointPort[]): string {
  return ports
    .map(({ name, protocol, port, appProtocol }) =>
      JSON.stringify([name ?? '', protocol ?? 'TCP', port, appProtocol ?? '']),
    )
    .sort()
    .join();
}

/** Undefined when the Pod has nothing to offer: finished, without an address of the family, or on no known node. */
function endpointOf(service: Service, pod: Pod, addressType: AddressType, zoneOf: ZoneOf): Endpoint | undefined {
  if (isPodFinished(pod)) return undefined;
  const addresses = podAddresses(pod).flatMap((text) => {
    const ip = parseLegacyIp(text);
    return ip !== undefined && `IPv${ip.family}` === addressType ? [formatIp(ip)] : [];
  });
  if (addresses.length === 0) return undefined;
  const { nodeName } = pod.spec;
  const node = nodeName === undefined ? undefined : zoneOf(nodeName);
  const { publishNotReadyAddresses = false } = service.spec;
  if (node === undefined && !publishNotReadyAddresses) return undefined;
  const ready = publishNotReadyAddresses || (isPodReady(pod) && !isTerminating(pod));
  return {
    addresses,
    conditions: { ready, serving: isPodReady(pod), terminating: isTerminating(pod) },
    ...(hasOwnHostname(service, pod) ? { hostname: pod.spec.hostname } : {}),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...placeOf(service, ready, node?.zone, nodeName),
  };
}

/** Whether `hostname.service` is a name of the Pod in DNS. */
export function hasOwnHostname(service: Service, pod: Pod): boolean {
  const { hostname = '', subdomain } = pod.spec;
  return (
    hostname !== '' && subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace
  );
}

/** The zone, and the hints that only endpoints in use have. */
function placeOf(
  service: Service,
  ready: boolean,
  zone: string | undefined,
  nodeName: string | undefined,
): Pick<Endpoint, 'zone' | 'hints'> {
  const hints = ready ? hintsOf(service, zone, nodeName) : undefined;
  return { ...(zone === undefined ? {} : { zone }), ...(hints === undefined ? {} : { hints }) };
}

function hintsOf(service: Service, zone: string | undefined, nodeName: string | undefined): EndpointHints | undefined {
  const zones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  const nodes = nodeName === undefined ? {} : { forNodes: [{ name: nodeName }] };
  switch (service.spec.trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return zone === undefined ? undefined : zones;
    case 'PreferSameNode':
      return { ...zones, ...nodes };
    default:
      return undefined;
  }
}

import {
  type DiscoveryEndpointPort,
  type Endpoint,
  type EndpointSlice,
  type Service,
  type ServicePort,
} from '#api/generated/types.ts';
import { type Address, parseAddress } from './address.ts';
import { wireName, type WireName } from './name.ts';

/** -1 for an endpoint without ports: it has an address and no SRV record. Names in lower case. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** What a Service is to DNS. */
export type ServiceShape =
  | { readonly kind: 'clusterIp'; readonly addresses: readonly Address[]; readonly ports: readonly NamedPort[] }
  | { readonly kind: 'headless' }
  | { readonly kind: 'alias'; readonly target: WireName }
  /** An ExternalName that is an address or no name: an alias of it would be an answer no resolver understands. */
  | { readonly kind: 'nothing' };

/** The ready endpoints of one slice; what they do not differ in is kept once. */
export interface EndpointPart {
  readonly owner: ServiceEntry;
  readonly addresses: readonly Address[];
  /** Beside `addresses`, empty where an endpoint has none; undefined when none has one. */
  readonly hostnames: readonly string[] | undefined;
  readonly ports: readonly NamedPort[];
}

/** One Service and its slices. They arrive in any order, so there may be slices without the Service. */
export interface ServiceEntry {
  /** `web.ns.svc.cluster.local` */
  readonly name: WireName;
  shape: ServiceShape | undefined;
  readonly parts: Map<string, EndpointPart>;
  /** Which parts have an endpoint of this hostname. */
  readonly byHostname: Map<string, readonly EndpointPart[]>;
  /** Goes up with every change: what was compiled from an older one is worth nothing. */
  version: number;
}

export function shapeOf({ spec }: Service): ServiceShape {
  if (spec.type === 'ExternalName') return aliasShape(spec.externalName ?? '');
  const addresses = (spec.clusterIPs ?? [spec.clusterIP ?? '']).flatMap((ip) => parseAddress(ip) ?? []);
  if (addresses.length === 0) return { kind: 'headless' };
  return { kind: 'clusterIp', addresses, ports: namedPorts(spec.ports ?? []) };
}

function aliasShape(externalName: string): ServiceShape {
  const target = parseAddress(externalName) === undefined ? wireName(externalName) : undefined;
  return target === undefined || target === '\0' ? { kind: 'nothing' } : { kind: 'alias', target };
}

export interface PartOptions {
  /** Endpoints without a hostname go by their Pod's name, where that can be a label. @default false */
  readonly endpointPodNames?: boolean | undefined;
}

const MAX_LABEL = 63;

/** The conditions are set by controllers; an absent one means ready, as the API says. */
export function partOf(owner: ServiceEntry, slice: EndpointSlice, options: PartOptions = {}): EndpointPart {
  const addresses: Address[] = [];
  const hostnames: string[] = [];
  for (const endpoint of slice.endpoints ?? []) {
    const { addresses: texts, conditions } = endpoint;
    if (conditions?.ready === false || slice.addressType === 'FQDN') continue;
    for (const text of texts) {
      const address = parseAddress(text);
      if (address === undefined) continue;
      addresses.push(address);
      hostnames.push(labelOf(endpoint, options).toLowerCase());
    }
  }
  const named = hostnames.some((hostname) => hostname !== '');
  return { owner, addresses, hostnames: named ? hostnames : undefined, ports: namedPorts(slice.ports ?? []) };
}

function labelOf({ hostname = '', targetRef }: Endpoint, { endpointPodNames = false }: PartOptions): string {
  if (hostname !== '' || !endpointPodNames) return hostname;
  const name = targetRef?.name ?? '';
  return name.length <= MAX_LABEL ? name : '';
}

function namedPorts(
  ports: readonly (Partial<Pick<ServicePort, 'name' | 'protocol' | 'port'>> | DiscoveryEndpointPort)[],
): readonly NamedPort[] {
  if (ports.length === 0) return NO_PORTS;
  return ports.map(({ name = '', protocol = 'TCP', port = -1 }) => ({
    name: name.toLowerCase(),
    protocol: protocol.toLowerCase(),
    port,
  }));
}

const NO_PORTS: readonly NamedPort[] = [{ name: '', protocol: '', port: -1 }];

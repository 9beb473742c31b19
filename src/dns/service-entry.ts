import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service, ServicePort } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { type Address, parseAddress } from './address.ts';
import { wireLabel, wireName, type WireName } from './name.ts';

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
  /** What the zone's index calls it. */
  readonly number: number;
  readonly revision: number;
  readonly addresses: readonly Address[];
  /** Beside `addresses`, empty where an endpoint has none; undefined when none has one. */
  readonly hostnames: readonly string[] | undefined;
  readonly ports: readonly NamedPort[];
}

/** One Service and its slices. They arrive in any order, so there may be slices without the Service. */
export class ServiceEntry {
  // What each question reads comes first, as these are together in memory.
  /** As `serviceKey` makes it. */
  readonly key: string;
  #shape: ServiceShape | undefined = undefined;
  /** The first cluster address of each family, out of the shape: each step to it is one more miss of the processor's caches. */
  ipv4: Address | undefined = undefined;
  ipv6: Address | undefined = undefined;
  /** Nearly all have one. */
  parts: readonly EndpointPart[] = NO_PARTS;
  /** Which parts have an endpoint of this hostname; undefined where none has any. */
  byHostname: Map<string, readonly EndpointPart[]> | undefined = undefined;
  /** Of the Service's object. */
  revision: number = Number.NaN;
  /** Goes up with every change: what was compiled from an older one is worth nothing. */
  version = 0;
  readonly #zone: WireName;

  constructor(key: string, zone: WireName) {
    this.key = key;
    this.#zone = zone;
  }

  get shape(): ServiceShape | undefined {
    return this.#shape;
  }

  set shape(shape: ServiceShape | undefined) {
    const addresses = shape?.kind === 'clusterIp' ? shape.addresses : [];
    this.#shape = shape;
    this.ipv4 = addresses.find((address) => typeof address === 'number');
    this.ipv6 = addresses.find((address) => typeof address === 'string');
  }

  /** `web.ns.svc.cluster.local`; made when it is needed, as there are many and few are asked for. */
  get name(): WireName {
    return `${this.key}${SVC}${this.#zone}`;
  }
}

/** How the names of a Service begin: its own and the namespace's label. So it is found by what a question has. */
export function serviceKey(namespace: string, name: string): string {
  return wireLabel(name) + wireLabel(namespace);
}

const NO_PARTS: readonly EndpointPart[] = [];
/** Stands between a Service's key and the domain. */
export const SVC: string = wireLabel('svc');

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
export function partOf(
  { owner, number }: Pick<EndpointPart, 'owner' | 'number'>,
  slice: EndpointSlice,
  options: PartOptions = {},
): EndpointPart {
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
  const ports = namedPorts(slice.ports ?? []);
  // Copies: an array that grew has room for more.
  return {
    owner,
    number,
    revision: revisionOf(slice),
    addresses: addresses.slice(),
    hostnames: named ? hostnames.slice() : undefined,
    ports,
  };
}

/**
 * A resourceVersion as a number, which takes nothing: all servers write it as one. NaN for another, which is never the same as
 * what is known.
 */
export function revisionOf({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion);
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
  const key = ports.map(({ name = '', protocol = 'TCP', port = -1 }) => `${name} ${protocol} ${port}`).join(',');
  const known = portLists.get(key);
  if (known !== undefined) return known;
  const made = ports.map(({ name = '', protocol = 'TCP', port = -1 }) => ({
    name: name.toLowerCase(),
    protocol: protocol.toLowerCase(),
    port,
  }));
  if (portLists.size >= MAX_PORT_LISTS) portLists.clear();
  portLists.set(key, made);
  return made;
}

/** Most Services of a cluster have the ports of many others: each list is kept once. */
const portLists = new Map<string, readonly NamedPort[]>();
const MAX_PORT_LISTS = 1000;

const NO_PORTS: readonly NamedPort[] = [{ name: '', protocol: '', port: -1 }];

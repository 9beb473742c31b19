import { type Endpoint, type EndpointSlice } from '#api/generated/types.ts';
import { type IpFamily } from '#base/ip.ts';
import { exact } from './exact-list.ts';
import { type Protocol } from './frontend.ts';
import { canonicalIp, isPort, parseProtocol } from './service-ports.ts';

/** What the proxy needs of an EndpointSlice, in as few bytes as can be: there may be a million endpoints. */
export interface SliceInfo {
  /** `namespace/name` */
  readonly key: string;
  readonly family: IpFamily;
  readonly ports: readonly SlicePort[];
  readonly entries: readonly SliceEntry[];
}

export interface SlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface SliceEntry {
  readonly address: string;
  /** Of READY, SERVING, TERMINATING and LOCAL. */
  readonly flags: number;
  readonly hints: EntryHints | undefined;
}

export interface EntryHints {
  readonly nodes: readonly string[];
  readonly zones: readonly string[];
}

export const READY = 1;
export const SERVING = 2;
export const TERMINATING = 4;
export const LOCAL = 8;

/** undefined for a slice that holds no addresses. */
export function parseSlice(key: string, slice: EndpointSlice, nodeName: string): SliceInfo | undefined {
  if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') return undefined;
  const family = slice.addressType === 'IPv4' ? 4 : 6;
  const ports = (slice.ports ?? []).flatMap(({ name = '', protocol, port }) => {
    const parsed = parseProtocol(protocol);
    return parsed === undefined || !isPort(port) ? [] : [{ name, protocol: parsed, port }];
  });
  const entries = (slice.endpoints ?? []).flatMap((endpoint) => parseEndpoint(endpoint, family, nodeName) ?? []);
  return { key, family, ports: exact(ports), entries: exact(entries) };
}

/** Absent conditions mean ready and not terminating. Only the first address counts. */
function parseEndpoint(endpoint: Endpoint, family: IpFamily, nodeName: string): SliceEntry | undefined {
  const text = endpoint.addresses[0];
  const address = text === undefined ? undefined : canonicalIp(text);
  if (address === undefined || address.includes(':') !== (family === 6)) return undefined;
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  const flags =
    (ready ? READY : 0) |
    (serving ? SERVING : 0) |
    (terminating ? TERMINATING : 0) |
    (endpoint.nodeName === nodeName ? LOCAL : 0);
  return { address, flags, hints: parseHints(endpoint) };
}

function parseHints({ hints }: Endpoint): EntryHints | undefined {
  const nodes = hints?.forNodes?.map(({ name }) => name) ?? [];
  const zones = hints?.forZones?.map(({ name }) => name) ?? [];
  return nodes.length === 0 && zones.length === 0 ? undefined : { nodes, zones };
}

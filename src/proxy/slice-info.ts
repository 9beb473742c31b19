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
  /** In columns: an object for each endpoint would take most of all memory. */
  readonly addresses: readonly string[];
  /** Of each address a character, whose code is made of READY, SERVING, TERMINATING and LOCAL. */
  readonly flags: string;
  /** Of each address; absent where none has any. */
  readonly hints: readonly (EntryHints | undefined)[] | undefined;
}

export interface SlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
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
  return { key, family, ports: exact(ports), ...columns(slice.endpoints ?? [], family, nodeName) };
}

/** Only the first address of an endpoint counts. */
function columns(
  endpoints: readonly Endpoint[],
  family: IpFamily,
  nodeName: string,
): Pick<SliceInfo, 'addresses' | 'flags' | 'hints'> {
  const addresses: string[] = [];
  const flags: number[] = [];
  const hints: (EntryHints | undefined)[] = [];
  let hasHints = false;
  for (const endpoint of endpoints) {
    const text = endpoint.addresses[0];
    const address = text === undefined ? undefined : canonicalIp(text);
    if (address === undefined || address.includes(':') !== (family === 6)) continue;
    addresses.push(address);
    flags.push(flagsOf(endpoint, nodeName));
    const hint = parseHints(endpoint);
    hints.push(hint);
    hasHints ||= hint !== undefined;
  }
  const characters = Buffer.from(flags).toString('latin1');
  return { addresses: exact(addresses), flags: characters, hints: hasHints ? exact(hints) : undefined };
}

/** Absent conditions mean ready and not terminating. */
function flagsOf({ conditions, nodeName: at }: Endpoint, nodeName: string): number {
  const { ready = true, serving = ready, terminating = false } = conditions ?? {};
  return (
    (ready ? READY : 0) | (serving ? SERVING : 0) | (terminating ? TERMINATING : 0) | (at === nodeName ? LOCAL : 0)
  );
}

function parseHints({ hints }: Endpoint): EntryHints | undefined {
  if (hints === undefined || hints === null) return undefined;
  const nodes = hints.forNodes?.map(({ name }) => name) ?? [];
  const zones = hints.forZones?.map(({ name }) => name) ?? [];
  return nodes.length === 0 && zones.length === 0 ? undefined : { nodes, zones };
}

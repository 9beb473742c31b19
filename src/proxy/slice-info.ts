import type { Endpoint, EndpointSlice } from '#api/generated/types.ts';
import type { IpFamily } from '#base/ip.ts';
import { exact } from './exact-list.ts';
import type { Reading } from './fault-log.ts';
import { portFaults, quote } from './faults.ts';
import type { Protocol } from './frontend.ts';
import { PortLists } from './port-lists.ts';
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
  /** No address is there twice. */
  readonly isUnique: boolean;
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

const portLists = new PortLists<SlicePort>();

export const READY = 1;
export const SERVING = 2;
export const TERMINATING = 4;
export const LOCAL = 8;

/** Nothing is of use of a slice that holds no addresses: names that DNS resolves are for others. */
export function readSlice(key: string, slice: EndpointSlice, nodeName: string): Reading<SliceInfo> {
  const { addressType } = slice;
  if (addressType === 'FQDN') return { value: undefined, faults: [] };
  if (addressType !== 'IPv4' && addressType !== 'IPv6')
    return { value: undefined, faults: [`address type ${quote(addressType)}`] };
  const family = addressType === 'IPv4' ? 4 : 6;
  const faults: string[] = [];
  const ports = (slice.ports ?? []).flatMap(({ name = '', protocol, port }) => {
    faults.push(...portFaults(protocol, port));
    const parsed = parseProtocol(protocol);
    return parsed === undefined || !isPort(port) ? [] : [{ name, protocol: parsed, port }];
  });
  const value = {
    key,
    family,
    ports: portLists.shared(ports),
    ...columns(slice.endpoints ?? [], family, nodeName, faults),
  } as const;
  return { value, faults };
}

/** Only the first address of an endpoint counts. */
function columns(
  endpoints: readonly Endpoint[],
  family: IpFamily,
  nodeName: string,
  faults: string[],
): Pick<SliceInfo, 'addresses' | 'flags' | 'hints' | 'isUnique'> {
  const seen = new Set<string>();
  const addresses: string[] = [];
  const used: Endpoint[] = [];
  for (const endpoint of endpoints) {
    const address = firstAddress(endpoint, family, faults);
    if (address === undefined) continue;
    const { size } = seen;
    if (seen.add(address).size === size) faults.push(`second endpoint at ${address}`);
    addresses.push(address);
    used.push(endpoint);
  }
  return {
    addresses: exact(addresses),
    flags: String.fromCharCode(...used.map((endpoint) => flagsOf(endpoint, nodeName))),
    hints: used.some(({ hints }) => hints !== undefined) ? used.map(parseHints) : undefined,
    isUnique: seen.size === addresses.length,
  };
}

function firstAddress({ addresses }: Endpoint, family: IpFamily, faults: string[]): string | undefined {
  const [text] = addresses;
  const address = text === undefined ? undefined : canonicalIp(text);
  if (address !== undefined && address.includes(':') === (family === 6)) return address;
  faults.push(text === undefined ? 'endpoint without an address' : `address ${quote(text)}`);
  return undefined;
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

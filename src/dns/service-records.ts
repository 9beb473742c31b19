import { type Address, addressOfDashedLabel, dashedLabel } from './address.ts';
import { wireLabel, type WireName } from './name.ts';
import type { DnsRecord } from './record.ts';
import type { EndpointPart, NamedPort, ServiceEntry } from './service-entry.ts';
import type { Zone } from './zone.ts';

/** What stands before a Service's name in a question; nothing of it for the Service itself. In lower case. */
export interface Asked {
  readonly endpoint?: string;
  readonly port?: string;
  readonly protocol?: string;
}

/** An address that fits the question, with those of its ports that do. `hostname` only of an endpoint. */
export interface Match {
  readonly address: Address;
  readonly hostname: string | undefined;
  readonly ports: readonly NamedPort[];
}

/** Undefined when nothing fits, which makes the name one that does not exist. */
export function matchesOf(zone: Zone, entry: ServiceEntry, asked: Asked = {}): readonly Match[] | undefined {
  const { shape } = entry;
  if (shape?.kind !== 'clusterIp' && shape?.kind !== 'headless') return undefined;
  const matches: Match[] = [];
  if (asked.endpoint !== undefined) addNamed(zone, entry, asked.endpoint, matches);
  else if (shape.kind === 'headless') addEndpoints(entry, asked, matches);
  else {
    const ports = portsFor(shape.ports, asked);
    if (ports.length > 0) for (const address of shape.addresses) matches.push({ address, hostname: undefined, ports });
  }
  return matches.length === 0 ? undefined : matches;
}

function addEndpoints(entry: ServiceEntry, asked: Asked, matches: Match[]): void {
  for (const part of entry.parts) {
    const ports = portsFor(part.ports, asked);
    if (ports.length === 0) continue;
    for (const [i, address] of part.addresses.entries()) {
      matches.push({ address, hostname: part.hostnames?.[i] ?? '', ports });
    }
  }
}

/** An endpoint goes by its hostname, else by its address with dashes; the index of either finds its slice. */
function addNamed(zone: Zone, entry: ServiceEntry, label: string, matches: Match[]): void {
  const add = (part: EndpointPart, fits: (i: number) => boolean): void => {
    for (const [i, address] of part.addresses.entries()) {
      if (fits(i)) matches.push({ address, hostname: part.hostnames?.[i] ?? '', ports: part.ports });
    }
  };
  for (const part of entry.byHostname?.get(label) ?? []) add(part, (i) => part.hostnames?.[i] === label);
  const address = addressOfDashedLabel(label);
  if (address === undefined || dashedLabel(address) !== label) return;
  for (const part of zone.partsOfAddress(address)) {
    if (part.owner !== entry) continue;
    add(part, (i) => part.addresses[i] === address && (part.hostnames?.[i] ?? '') === '');
  }
}

function portsFor(ports: readonly NamedPort[], { port, protocol }: Asked): readonly NamedPort[] {
  if (port === undefined) return ports;
  return ports.filter((other) => other.name === port && other.protocol === protocol);
}

/** `db-0.db.ns...` for an endpoint with a hostname, else `10-244-0-5.db.ns...`; the Service's own name without. */
export function targetOf(entry: ServiceEntry, address: Address, hostname = ''): WireName {
  return `${wireLabel(hostname === '' ? dashedLabel(address) : hostname)}${entry.name}`;
}

export function addressRecords(
  name: WireName,
  addresses: readonly Address[],
): readonly Extract<DnsRecord, { kind: 'A' | 'AAAA' }>[] {
  return addresses.map((address) =>
    typeof address === 'number' ? { kind: 'A', name, address } : { kind: 'AAAA', name, address },
  );
}

/**
 * SRV records and the addresses of their targets. The weights of all share 100, and one that is there twice (a target
 * with two addresses) is counted twice and said once, as CoreDNS does.
 */
export function locationRecords(
  name: WireName,
  entry: ServiceEntry,
  matches: readonly Match[],
): { readonly answers: readonly DnsRecord[]; readonly additionals: readonly DnsRecord[] } {
  const total = matches.reduce((sum, { ports }) => sum + ports.length, 0);
  const weight = Math.max(1, Math.floor(100 / total));
  const answers = new Map<string, DnsRecord>();
  const additionals = new Map<string, DnsRecord>();
  for (const { address, hostname, ports } of matches) {
    const target = hostname === undefined ? entry.name : targetOf(entry, address, hostname);
    for (const { port } of ports) {
      if (port === -1) continue;
      const key = `${port} ${target}`;
      if (!answers.has(key)) answers.set(key, { kind: 'SRV', name, target, port, weight });
      for (const record of addressRecords(target, [address])) additionals.set(`${address} ${target}`, record);
    }
  }
  return { answers: [...answers.values()], additionals: [...additionals.values()] };
}

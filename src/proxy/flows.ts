import { type Ip } from '#base/ip.ts';
import { parseIp } from '#base/ip.ts';
import { IPPROTO_UDP, type ConntrackEntry, type ConntrackFilter } from '#netlink/conntrack.ts';
import { type StaleFlows } from './plan.ts';

/** The connection table's entries of one frontend. */
export function flowFilter(stale: StaleFlows): ConntrackFilter {
  return { protocol: IPPROTO_UDP, destination: ip(stale.address), destinationPort: stale.port };
}

/** Those of the entries that lead to a backend that is gone: the answer would come from there. */
export function flowsToDelete(stale: StaleFlows, entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const gone = new Set(stale.backends.map(({ address, port }) => flowId(ip(address), port)));
  return entries.filter(({ reply }) => gone.has(flowId(reply.source, reply.sourcePort)));
}

function flowId(address: Ip, port: number): string {
  return `${address.value} ${port}`;
}

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`Cannot look up flows of "${text}": it is not an address`);
  return parsed;
}

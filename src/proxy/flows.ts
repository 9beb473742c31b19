import { type Ip } from '#base/ip.ts';
import { parseIp } from '#base/ip.ts';
import { IPPROTO_UDP, type ConntrackEntry, type ConntrackFilter } from '#netlink/conntrack.ts';
import { isNodePort } from './frontend.ts';
import { type StaleFlows } from './plan.ts';

/** The connection table's entries of one frontend. */
export function flowFilter(stale: StaleFlows): ConntrackFilter {
  const port = { protocol: IPPROTO_UDP, destinationPort: stale.port };
  return isNodePort(stale.address) ? port : { ...port, destination: ip(stale.address) };
}

/** Those of the entries that lead to a backend that is gone, or to none: the answer would come from there. */
export function flowsToDelete(stale: StaleFlows, entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const gone = new Set(stale.backends.map(({ address, port }) => flowId(ip(address), port)));
  return entries.filter(({ original, reply }) => {
    if (gone.has(flowId(reply.source, reply.sourcePort))) return true;
    const isUntranslated = reply.source.value === original.destination.value;
    return stale.isNew && isUntranslated && reply.sourcePort === original.destinationPort;
  });
}

function flowId(address: Ip, port: number): string {
  return `${address.value} ${port}`;
}

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`Cannot look up flows of "${text}": it is not an address`);
  return parsed;
}

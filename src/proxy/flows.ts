import type { Ip } from '#base/ip.ts';
import { parseIp } from '#base/ip.ts';
import { IPPROTO_UDP, type ConntrackEntry, type ConntrackFilter } from '#netlink/conntrack.ts';
import { isNodePort, type Backend, type Frontend, type FrontendAddress } from './frontend.ts';

/** UDP flows that no longer lead where they should: the kernel would keep them for as long as the client goes on. */
export interface StaleFlows extends FrontendAddress {
  /** Those that left. */
  readonly backends: readonly Backend[];
  /** The frontend is new: flows to it from before go to the address itself. */
  readonly isNew: boolean;
}

/** What becomes of the flows to a frontend when it changes; undefined for nothing. */
export function staleFlows(
  place: FrontendAddress,
  isNew: boolean,
  removed: readonly Backend[],
): StaleFlows | undefined {
  if (place.protocol !== 'udp' || (removed.length === 0 && !isNew)) return undefined;
  const { address, protocol, port } = place;
  return { address, protocol, port, backends: removed, isNew };
}

/** The connection table's entries of one frontend. */
export function flowFilter(stale: StaleFlows): ConntrackFilter {
  const port = { protocol: IPPROTO_UDP, destinationPort: stale.port };
  return isNodePort(stale.address) ? port : { ...port, destination: ip(stale.address) };
}

/** Those of the entries that lead to a backend that is gone, or to none: the answer would come from there. */
export function flowsToDelete(flows: readonly StaleFlows[], entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const gone = new Map<string, Set<string>>();
  for (const { address, port, backends, isNew } of flows) {
    const place = placeText(address, port);
    const answering = gone.get(place) ?? new Set();
    for (const backend of backends) answering.add(flowId(ip(backend.address), backend.port));
    if (isNew) answering.add(UNTRANSLATED);
    gone.set(place, answering);
  }
  return entries.filter(({ original, reply }) => {
    const { destination, destinationPort: port } = original;
    const isUntranslated = reply.source.value === destination.value && reply.sourcePort === port;
    const answer = flowId(reply.source, reply.sourcePort);
    return [flowId(destination, port), String(port)].some((place) => {
      const answering = gone.get(place);
      return answering?.has(answer) === true || (isUntranslated && answering?.has(UNTRANSLATED) === true);
    });
  });
}

/** Instead of the address of who answers: the flow goes where it was sent. */
const UNTRANSLATED = 'untranslated';

/**
 * Of all UDP entries those to frontends that lead where no rule would send them now: for when nobody knows what changed, as
 * after a time without a proxy.
 */
export function misledFlows(frontends: readonly Frontend[], entries: readonly ConntrackEntry[]): ConntrackEntry[] {
  const allowed = new Map<string, Set<string>>();
  for (const { address, protocol, port, backends } of frontends) {
    if (protocol !== 'udp') continue;
    const place = placeText(address, port);
    const flows = allowed.get(place) ?? new Set();
    for (const backend of backends) flows.add(flowId(ip(backend.address), backend.port));
    allowed.set(place, flows);
  }
  return entries.filter(({ original, reply }) => {
    const { destination, destinationPort: port } = original;
    const flows = allowed.get(flowId(destination, port)) ?? allowed.get(String(port));
    return flows !== undefined && !flows.has(flowId(reply.source, reply.sourcePort));
  });
}

/** A NodePort is at every address. */
function placeText(address: string, port: number): string {
  return isNodePort(address) ? String(port) : flowId(ip(address), port);
}

function flowId(address: Ip, port: number): string {
  return `${address.value} ${port}`;
}

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`Cannot look up flows of "${text}": it is not an address`);
  return parsed;
}

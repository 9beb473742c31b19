import { parseIp } from '#base/ip.ts';
import {
  type CoreEndpointPort,
  type EndpointAddress,
  type EndpointSubset,
  type Pod,
  type Service,
} from '#api/generated/types.ts';
import { type EndpointPort, endpointPortsOf } from './endpoint-port.ts';
import { hasOwnHostname } from './endpoint-slice-desired.ts';
import { isPodFinished, isPodReady, isTerminating, podAddresses } from './pod-state.ts';

/** Addresses that one Endpoints object holds at most. */
export const MAX_ADDRESSES = 1000;

interface Entry {
  readonly address: EndpointAddress;
  readonly ports: readonly EndpointPort[];
  /** Equal for the same ports in any order. */
  readonly portsKey: string;
  readonly ready: boolean;
}

/**
 * The subsets of a Service: addresses that serve the same ports stand together, once each, sorted. Unlike in
 * EndpointSlices, Pods that terminate are left out, and there is one address family, the Service's first.
 */
export function desiredSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const known = sortedByService.get(service);
  const sorted = (known && follow(service, known, pods)) ?? sortAll(service, pods);
  sortedByService.set(service, sorted);
  return [...sorted.groups]
    .filter(([, members]) => members.length > 0)
    .sort(([a], [b]) => compareText(a, b))
    .map(([, members]) => subsetOf(members));
}

/** The entries of a Service's Pods by their ports, in the order of their addresses. */
interface Sorted {
  pods: readonly Pod[];
  readonly groups: Map<string, Entry[]>;
}

const sortedByService = new WeakMap<Service, Sorted>();
/** More changes at once are not worth finding places for. */
const MAX_CHANGES = 64;

function sortAll(service: Service, pods: readonly Pod[]): Sorted {
  const groups = new Map<string, Entry[]>();
  for (const pod of pods) {
    const entry = entryOf(service, pod);
    if (entry === undefined) continue;
    const group = groups.get(entry.portsKey);
    if (group === undefined) groups.set(entry.portsKey, [entry]);
    else group.push(entry);
  }
  for (const members of groups.values()) members.sort(compareEntries);
  return { pods, groups };
}

/**
 * What was sorted before with the Pods that differ put in their places: Services and Pods are never changed in place, and
 * of thousands of Pods mostly one differs. Undefined when it is no change of a few Pods.
 */
function follow(service: Service, known: Sorted, pods: readonly Pod[]): Sorted | undefined {
  if (known.pods.length !== pods.length) return undefined;
  const changed = pods.flatMap((pod, i) => (pod === known.pods[i] ? [] : [i]));
  if (changed.length > MAX_CHANGES) return undefined;
  for (const i of changed) {
    const before = known.pods[i];
    const after = pods[i];
    if (before !== undefined) remove(known.groups, entryOf(service, before));
    if (after !== undefined) insert(known.groups, entryOf(service, after));
  }
  known.pods = pods;
  return known;
}

function remove(groups: Map<string, Entry[]>, entry: Entry | undefined): void {
  const members = entry && groups.get(entry.portsKey);
  if (entry === undefined || members === undefined) return;
  members.splice(placeOf(members, entry), 1);
}

function insert(groups: Map<string, Entry[]>, entry: Entry | undefined): void {
  if (entry === undefined) return;
  const members = groups.get(entry.portsKey) ?? [];
  groups.set(entry.portsKey, members);
  members.splice(placeOf(members, entry), 0, entry);
}

/** Where the entry is, or would be. */
function placeOf(members: readonly Entry[], entry: Entry): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = members[middle];
    if (other !== undefined && compareEntries(other, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** No two Pods have the same uid. */
function compareEntries(a: Entry, b: Entry): number {
  return (
    compareText(a.address.ip, b.address.ip) ||
    compareText(a.address.targetRef?.uid ?? '', b.address.targetRef?.uid ?? '')
  );
}

function entryOf(service: Service, pod: Pod): Entry | undefined {
  const { publishNotReadyAddresses = false, ports: servicePorts = [], clusterIP } = service.spec;
  if (isPodFinished(pod) || (isTerminating(pod) && !publishNotReadyAddresses)) return undefined;
  const address = addressOf(service, pod);
  const ports = endpointPortsOf(pod, service);
  const portless = servicePorts.length === 0 && clusterIP === 'None';
  if (address === undefined || (ports.length === 0 && !portless)) return undefined;
  const portsKey = [...new Set(ports.map((port) => JSON.stringify(port)))].sort().join();
  return { address, ports, portsKey, ready: publishNotReadyAddresses || isPodReady(pod) };
}

function subsetOf(members: readonly Entry[]): EndpointSubset {
  const addresses = members.filter(({ ready }) => ready).map(({ address }) => address);
  const notReadyAddresses = members.filter(({ ready }) => !ready).map(({ address }) => address);
  const unique = new Map(members[0]?.ports.map((port) => [JSON.stringify(port), port]));
  const ports = [...unique.values()].map((port) => corePort(port));
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

/** A port of a Service with one port may be without a name. */
function corePort({ name, port, protocol, appProtocol }: EndpointPort): CoreEndpointPort {
  return { ...(name === '' ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) };
}

function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const family = service.spec.ipFamilies?.[0] ?? familyOf(service.spec.clusterIP);
  const addresses = podAddresses(pod);
  const ip = family === undefined ? addresses[0] : addresses.find((found) => familyOf(found) === family);
  if (ip === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata;
  return {
    ...(hasOwnHostname(service, pod) ? { hostname: pod.spec.hostname } : {}),
    ip,
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function familyOf(ip: string | undefined): string | undefined {
  const parsed = parseIp(ip ?? '');
  return parsed === undefined ? undefined : `IPv${parsed.family}`;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * At most `max` addresses: ready ones first, from each subset its share, rounded up. Undefined when nothing had to go.
 * Models truncateEndpoints of v1.34.
 */
export function truncateSubsets(
  subsets: readonly EndpointSubset[],
  max: number = MAX_ADDRESSES,
): readonly EndpointSubset[] | undefined {
  const ready = count(subsets, 'addresses');
  const notReady = count(subsets, 'notReadyAddresses');
  if (ready + notReady <= max) return undefined;
  const field = ready > max ? 'addresses' : 'notReadyAddresses';
  const total = ready > max ? ready : notReady;
  const room = ready > max ? max : max - ready;
  let left = room;
  return subsets.map((subset) => {
    const before = subset[field] ?? [];
    const kept = before.slice(0, Math.min(left, Math.ceil((before.length / total) * room)));
    left -= kept.length;
    const { addresses, notReadyAddresses, ...rest } = subset;
    return {
      ...(field === 'addresses' ? nonEmpty('addresses', kept) : nonEmpty('addresses', addresses)),
      ...(field === 'addresses' || notReadyAddresses === undefined ? {} : nonEmpty('notReadyAddresses', kept)),
      ...rest,
    };
  });
}

function count(subsets: readonly EndpointSubset[], field: 'addresses' | 'notReadyAddresses'): number {
  return subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);
}

function nonEmpty(
  field: 'addresses' | 'notReadyAddresses',
  value: readonly EndpointAddress[] | undefined,
): Pick<EndpointSubset, 'addresses' | 'notReadyAddresses'> {
  return value === undefined || value.length === 0 ? {} : { [field]: value };
}

import { parseIp } from '#base/ip.ts';
import type { CoreEndpointPort, EndpointAddress, EndpointSubset, Pod, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { type EndpointPort, endpointPortsOf } from './endpoint-port.ts';
import { hasOwnHostname } from './endpoint-slice-desired.ts';
import { repackSubsets } from './repack-subsets.ts';
import { isPodFinished, isPodReady, isTerminating, podAddresses } from '../pod-state.ts';

/** Addresses that one Endpoints object holds at most. */
export const MAX_ADDRESSES = 1000;

interface Entry {
  readonly address: EndpointAddress;
  readonly ports: readonly EndpointPort[];
  /** Equal for the same ports in any order. */
  readonly portsKey: string;
  readonly ready: boolean;
}

/** Addresses of Pods that have the same ports, each list in order. */
interface Group {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

/**
 * The subsets of one Service, followed through the changes of its Pods, each at a cost that hardly grows with their
 * number where all of them have the same ports. Ports that the same addresses serve stand together, and those addresses,
 * sorted. Unlike in EndpointSlices, Pods that terminate are left out, and there is one address family, the Service's first.
 */
export class DesiredSubsets {
  readonly service: Service;
  readonly #entries = new Map<string, Entry>();
  readonly #groups = new Map<string, Group>();

  constructor(service: Service, pods: readonly Pod[]) {
    this.service = service;
    for (const pod of pods) {
      const entry = entryOf(service, pod);
      if (entry === undefined) continue;
      this.#entries.set(objectKey(pod), entry);
      listOf(this.#groupOf(entry), entry).push(entry.address);
    }
    for (const { ready, notReady } of this.#groups.values()) for (const list of [ready, notReady]) list.sort(compare);
  }

  /** Takes in what the Pod is now; undefined: no longer one of the Service's. */
  set(podKey: string, pod: Pod | undefined): void {
    this.#remove(podKey);
    const entry = pod && entryOf(this.service, pod);
    if (entry === undefined) return;
    this.#entries.set(podKey, entry);
    const list = listOf(this.#groupOf(entry), entry);
    list.splice(placeOf(list, entry.address), 0, entry.address);
  }

  /** With `MAX_ADDRESSES` at most, `isTruncated` when there would be more. */
  get(): { readonly subsets: readonly EndpointSubset[]; readonly isTruncated: boolean } {
    const groups = [...this.#groups.values()].map(subsetOf);
    const all = groups.length > 1 ? repackSubsets(groups) : groups;
    const truncated = truncateSubsets(all);
    // The lists go on changing.
    return { subsets: truncated ?? all.map(copyOf), isTruncated: truncated !== undefined };
  }

  #groupOf({ portsKey, ports }: Entry): Group {
    const group = this.#groups.get(portsKey) ?? { ports, ready: [], notReady: [] };
    this.#groups.set(portsKey, group);
    return group;
  }

  #remove(podKey: string): void {
    const entry = this.#entries.get(podKey);
    if (entry === undefined) return;
    this.#entries.delete(podKey);
    const group = this.#groupOf(entry);
    const list = listOf(group, entry);
    list.splice(placeOf(list, entry.address), 1);
    if (group.ready.length + group.notReady.length === 0) this.#groups.delete(entry.portsKey);
  }
}

function listOf(group: Group, { ready }: Entry): EndpointAddress[] {
  return ready ? group.ready : group.notReady;
}

/** Where the address is, or would be. */
function placeOf(list: readonly EndpointAddress[], address: EndpointAddress): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && compare(other, address) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** No two Pods have the same uid. */
function compare(a: EndpointAddress, b: EndpointAddress): number {
  return compareText(a.ip, b.ip) || compareText(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '');
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

function subsetOf({ ports, ready, notReady }: Group): EndpointSubset {
  const unique = new Map(ports.map((port) => [JSON.stringify(port), port]));
  return {
    ...nonEmpty('addresses', ready),
    ...nonEmpty('notReadyAddresses', notReady),
    ...(unique.size === 0 ? {} : { ports: [...unique.values()].map((port) => corePort(port)) }),
  };
}

function copyOf({ addresses, notReadyAddresses, ...rest }: EndpointSubset): EndpointSubset {
  return {
    ...nonEmpty('addresses', addresses?.slice()),
    ...nonEmpty('notReadyAddresses', notReadyAddresses?.slice()),
    ...rest,
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

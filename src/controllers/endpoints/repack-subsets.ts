import type { CoreEndpointPort, EndpointAddress, EndpointSubset } from '#api/generated/types.ts';

interface Offer {
  /** Undefined of addresses without ports. */
  readonly port: CoreEndpointPort | undefined;
  /** Whether each is ready, by its key. */
  readonly hosts: Map<string, boolean>;
}

/**
 * The same addresses and ports with the ports together that the same addresses have, each address once, sorted. One that is
 * said to be ready and not to be is not. Models RepackSubsets of pkg/api/v1/endpoints of v1.34, which orders by hashes.
 */
export function repackSubsets(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const addresses = new Map<string, EndpointAddress>();
  const offers = new Map<string, Offer>();
  for (const { addresses: ready, notReadyAddresses: notReady, ports } of subsets) {
    for (const port of ports === undefined || ports.length === 0 ? [undefined] : ports) {
      const key = portKey(port);
      const offer = offers.get(key) ?? { port, hosts: new Map() };
      offers.set(key, offer);
      note(offer, addresses, ready ?? [], true);
      note(offer, addresses, notReady ?? [], false);
    }
  }
  const sorted = [...offers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, offer]) => offer);
  return [...Map.groupBy(sorted, hostsKey).values()].map((group) => subsetOf(group, addresses));
}

function note(
  { hosts }: Offer,
  addresses: Map<string, EndpointAddress>,
  list: readonly EndpointAddress[],
  isReady: boolean,
): void {
  for (const address of list) {
    const key = `${address.ip} ${address.targetRef?.uid ?? ''}`;
    if (!addresses.has(key)) addresses.set(key, address);
    if (hosts.get(key) !== false) hosts.set(key, isReady);
  }
}

function portKey(port: CoreEndpointPort | undefined): string {
  if (port === undefined) return '';
  return JSON.stringify([port.name ?? '', port.port, port.protocol ?? 'TCP', port.appProtocol ?? '']);
}

function hostsKey({ hosts }: Offer): string {
  return [...hosts]
    .map(([key, isReady]) => `${key} ${isReady}`)
    .sort()
    .join();
}

function subsetOf(group: readonly Offer[], addresses: ReadonlyMap<string, EndpointAddress>): EndpointSubset {
  const hosts = [...(group[0]?.hosts ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  const those = (isReady: boolean): EndpointAddress[] =>
    hosts.flatMap(([key, ready]) => (ready === isReady ? (addresses.get(key) ?? []) : []));
  const ports = group.flatMap(({ port }) => port ?? []);
  return {
    ...nonEmpty('addresses', those(true)),
    ...nonEmpty('notReadyAddresses', those(false)),
    ...nonEmpty('ports', ports),
  };
}

function nonEmpty<K extends string, T>(key: K, list: readonly T[]): { readonly [key in K]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [key]: list } as { readonly [key in K]: readonly T[] });
}

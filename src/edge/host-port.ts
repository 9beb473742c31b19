import type { Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { SOURCE_RANGES } from '#api/service/traits.ts';
import { hostAddressOf } from './host-address.ts';

export type EdgeProtocol = 'tcp' | 'udp';

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** A port of the host's loopback that leads to a Service. */
export interface HostPort {
  readonly kind: 'host-port';
  /** `namespace/name`. */
  readonly service: string;
  readonly protocol: EdgeProtocol;
  readonly address: string;
  readonly port: number;
  /** Where connections go: to this port of the load balancer's address; undefined: of a node. */
  readonly balancer: string | undefined;
  /** The NodePort at which each eligible node may be asked in the load balancer's place, whose address leads to one node. */
  readonly spreadTo: number | undefined;
  /** Only nodes with endpoints of their own take connections: externalTrafficPolicy Local. */
  readonly isLocal: boolean;
}

/** The same text is the same socket. */
export function hostPortKey({ protocol, address, port }: Pick<HostPort, 'protocol' | 'address' | 'port'>): string {
  return address.includes(':') ? `${protocol} [${address}]:${port}` : `${protocol} ${address}:${port}`;
}

export const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' } as const;
const PROTOCOLS: Readonly<Record<string, EdgeProtocol>> = { TCP: 'tcp', UDP: 'udp' };
/** A Service with one of these is no business of the proxies, and so none of ours. */
const IGNORED = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'] as const;

/** Whether the Service promises something to the outside of the cluster. */
export function isExposed({ metadata, spec }: Service): boolean {
  const labels = metadata.labels ?? {};
  if (metadata.deletionTimestamp !== undefined || IGNORED.some((name) => labels[name] !== undefined)) return false;
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/**
 * Under policy Cluster one node spreads connections over all endpoints, under policy Local over its own alone. Who wants to come to
 * one endpoint again stays with one node, and NodePorts know no source ranges.
 */
function spreads({ metadata, spec }: Service): boolean {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const isGuarded = ranges.length > 0 || metadata.annotations?.[SOURCE_RANGES] !== undefined;
  return spec.externalTrafficPolicy === 'Local' && spec.sessionAffinity !== 'ClientIP' && !isGuarded;
}

/** What a Service opens on the host: its NodePorts, and its load balancers that have an address on a loopback. */
export function hostPortsOf(service: Service): readonly HostPort[] {
  const { spec, status } = service;
  if (!isExposed(service)) return [];
  const common = {
    kind: 'host-port' as const,
    service: objectKey(service),
    isLocal: spec.externalTrafficPolicy === 'Local',
  };
  const families = (spec.ipFamilies ?? ['IPv4']).filter((name) => name === 'IPv4' || name === 'IPv6');
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip === undefined || ipMode === 'Proxy' ? [] : ip,
  );
  return (spec.ports ?? []).flatMap(({ protocol = 'TCP', port, nodePort = 0 }) => {
    const known = PROTOCOLS[protocol];
    if (known === undefined) return [];
    const spreadTo = nodePort > 0 && spreads(service) ? nodePort : undefined;
    const at = (address: string | undefined, number: number, balancer?: string): readonly HostPort[] =>
      address === undefined ? [] : [{ ...common, protocol: known, address, port: number, balancer, spreadTo }];
    return [
      ...(nodePort > 0 ? families.flatMap((family) => at(LOOPBACK[family], nodePort)) : []),
      ...balancers.flatMap((balancer) => at(hostAddressOf(balancer), port, balancer)),
    ];
  });
}

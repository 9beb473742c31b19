import type { Cidr } from '#base/cidr.ts';
import type { IpFamily } from '#base/ip.ts';
import { categorizeEndpoints, type Categories } from './categorize.ts';
import { ANY_ADDRESS, type Backend, type Frontend, type FrontendOrigin, type Sources } from './frontend.ts';
import { familyOf, type ServiceInfo, type ServicePortInfo } from './service-ports.ts';
import { endpointsOfPort, plainBackends, type SliceEndpoint } from './slice-endpoints.ts';
import type { SliceInfo } from './slice-info.ts';

/** As many as the half of a packet's priority that counts them can say. */
const MAX_BACKENDS = 65_535;

/** What the choice of endpoints depends on besides the Service. */
export interface NodeView {
  readonly nodeName: string;
  /** The node's label topology.kubernetes.io/zone. */
  readonly zone: string | undefined;
}

/** All frontends of one Service, whose key is `namespace/name`. */
export function serviceFrontends(
  service: string,
  info: ServiceInfo,
  slices: readonly SliceInfo[],
  node: NodeView,
  families: readonly IpFamily[],
): Frontend[] {
  const served = new Set(info.clusterIps.map(familyOf).filter((family) => families.includes(family)));
  return [...served].flatMap((family) =>
    info.ports.flatMap((port) => {
      const endpoints = categorize(slices, info, port, family, node);
      return portFrontends({ service, info, port, family, endpoints });
    }),
  );
}

interface PortContext {
  readonly service: string;
  readonly info: ServiceInfo;
  readonly port: ServicePortInfo;
  readonly family: IpFamily;
  readonly endpoints: Categories<Backend>;
}

/**
 * All endpoints are wanted wherever clients outside may come: under policy Local clients inside use the address as if it
 * were the cluster's.
 */
function categorize(
  slices: readonly SliceInfo[],
  info: ServiceInfo,
  port: ServicePortInfo,
  family: IpFamily,
  node: NodeView,
): Categories<Backend> {
  const isExternal = port.nodePort > 0 || info.externalIps.length > 0 || info.loadBalancerIps.length > 0;
  const usesClusterEndpoints = !info.isInternalLocal || isExternal;
  const usesLocalEndpoints = info.isInternalLocal || (info.isExternalLocal && isExternal);
  const plain = usesLocalEndpoints ? undefined : plainBackends(slices, port, family);
  if (plain !== undefined) return { cluster: plain, local: [], hasAny: plain.length > 0 };
  const { cluster, local, hasAny } = categorizeEndpoints(endpointsOfPort(slices, port, family), {
    usesClusterEndpoints,
    usesLocalEndpoints,
    nodeName: node.nodeName,
    zone: node.zone,
  });
  return { cluster: cluster.map(backendOf), local: local.map(backendOf), hasAny };
}

/** What is kept for as long as the frontend: without what only the choice depended on. */
function backendOf({ address, port, isLocal }: SliceEndpoint): Backend {
  return { address, port, isLocal };
}

function portFrontends(context: PortContext): Frontend[] {
  const { info, port, family, endpoints } = context;
  const own = (addresses: readonly string[]): readonly string[] => addresses.filter((one) => familyOf(one) === family);
  const [policy, internal] = info.isInternalLocal
    ? (['Local', endpoints.local] as const)
    : (['Cluster', endpoints.cluster] as const);
  const at = (origin: FrontendOrigin, address: string): Place => ({ origin, address, port: port.port });
  const frontends = own(info.clusterIps).map((address) => {
    const one = frontend(context, 'cluster', at('clusterIP', address), policy, internal);
    return { ...one, healthCheckPort: info.healthCheckPort };
  });
  for (const address of own(info.externalIps)) frontends.push(...external(context, at('externalIP', address)));
  const balancers = own(info.loadBalancerIps);
  const ranges = sourcesOf(info.sourceRanges, family);
  const sources = ranges === undefined ? undefined : { service: context.service, ranges, addresses: balancers };
  for (const address of balancers) {
    frontends.push(...external(context, at('loadBalancer', address), sources));
  }
  const { nodePort } = port;
  if (nodePort > 0) {
    frontends.push(...external(context, { origin: 'nodePort', address: ANY_ADDRESS[family], port: nodePort }));
  }
  return frontends;
}

/** As upstream: ranges of the one family only do not bind the other. */
function sourcesOf(ranges: readonly Cidr[] | undefined, family: IpFamily): readonly Cidr[] | undefined {
  const own = ranges?.filter((cidr) => cidr.family === family);
  return own?.length === 0 && ranges?.length !== 0 ? undefined : own;
}

type Place = Pick<Frontend, 'origin' | 'address' | 'port'>;

function external(context: PortContext, place: Place, sources?: Sources): readonly Frontend[] {
  const { info, endpoints } = context;
  const guarded = sources === undefined ? {} : { sources };
  if (!info.isExternalLocal)
    return [{ ...frontend(context, 'external', place, 'Cluster', endpoints.cluster), ...guarded }];
  return [
    { ...frontend(context, 'inside', place, 'Cluster', endpoints.cluster), ...guarded },
    frontend(context, 'local', place, 'Local', endpoints.local),
  ];
}

function frontend(
  { service, info, port, endpoints }: PortContext,
  kind: Frontend['kind'],
  place: Place,
  policy: Frontend['policy'],
  backends: readonly Backend[],
): Frontend {
  return {
    kind,
    ...place,
    protocol: port.protocol,
    policy,
    service: port.name === '' ? service : `${service}:${port.name}`,
    backends: backends.length > MAX_BACKENDS ? backends.slice(0, MAX_BACKENDS) : backends,
    whenEmpty: endpoints.hasAny ? 'drop' : 'reject',
    affinitySeconds: info.affinitySeconds,
    healthCheckPort: 0,
  };
}

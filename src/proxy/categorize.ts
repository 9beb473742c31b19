/**
 * Which endpoints a service port uses. Models pkg/proxy/topology.go CategorizeEndpoints of Kubernetes 1.34; KEP-1669
 * (terminating endpoints) and KEP-3015 (hints) say why.
 */
export interface EndpointState {
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly isLocal: boolean;
  readonly nodeHints: readonly string[];
  readonly zoneHints: readonly string[];
}

export interface CategorizeOptions {
  /** Some traffic to the port may go to any node: not so when every policy that applies to it is Local. */
  readonly usesClusterEndpoints: boolean;
  /** Some traffic to the port must stay on the node. */
  readonly usesLocalEndpoints: boolean;
  readonly nodeName: string;
  /** The node's label topology.kubernetes.io/zone. */
  readonly zone?: string | undefined;
}

export interface Categories<T> {
  readonly cluster: readonly T[];
  readonly local: readonly T[];
  /** Somewhere in the cluster there is an endpoint. Where policy leaves none, this tells REJECT (false) from DROP. */
  readonly hasAny: boolean;
}

export function categorizeEndpoints<T extends EndpointState>(
  endpoints: readonly T[],
  options: CategorizeOptions,
): Categories<T> {
  const cluster = options.usesClusterEndpoints ? clusterEndpoints(endpoints, options) : [];
  if (!options.usesLocalEndpoints) return { cluster, local: [], hasAny: cluster.length > 0 };
  const local = readyOrDraining(endpoints.filter((endpoint) => endpoint.isLocal));
  return { cluster, local, hasAny: cluster.length > 0 || endpoints.some((one) => one.isReady || isDraining(one)) };
}

function clusterEndpoints<T extends EndpointState>(endpoints: readonly T[], options: CategorizeOptions): readonly T[] {
  const suits = topology(endpoints, options);
  const ready = endpoints.filter((endpoint) => endpoint.isReady && suits(endpoint));
  return ready.length > 0 ? ready : endpoints.filter(isDraining);
}

function readyOrDraining<T extends EndpointState>(endpoints: readonly T[]): readonly T[] {
  const ready = endpoints.filter((endpoint) => endpoint.isReady);
  return ready.length > 0 ? ready : endpoints.filter(isDraining);
}

/** Going away, but still answering: better than nothing. */
function isDraining(endpoint: EndpointState): boolean {
  return endpoint.isServing && endpoint.isTerminating;
}

/**
 * Hints count only when every ready endpoint has one and at least one is for us; node hints go before zone hints. The
 * choice is made here for all endpoints at once, never for one: half-hinted services spread over all.
 */
function topology(endpoints: readonly EndpointState[], options: CategorizeOptions): (one: EndpointState) => boolean {
  const { nodeName, zone } = options;
  const ready = endpoints.filter((endpoint) => endpoint.isReady);
  if (ready.length === 0) return () => true;
  const forNode = (endpoint: EndpointState): boolean => endpoint.nodeHints.includes(nodeName);
  if (ready.every((endpoint) => endpoint.nodeHints.length > 0) && ready.some(forNode)) return forNode;
  const forZone = (endpoint: EndpointState): boolean => zone !== undefined && endpoint.zoneHints.includes(zone);
  if (ready.every((endpoint) => endpoint.zoneHints.length > 0) && ready.some(forZone)) return forZone;
  return () => true;
}

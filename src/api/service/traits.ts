import type * as t from '../generated/types.ts';

type Spec = t.ServiceSpec;

export const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';
/** What `TOPOLOGY_MODE` was called before. */
export const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
/** What `loadBalancerSourceRanges` was before it was a field. */
export const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/** Everything but ExternalName. */
export function needsClusterIp(spec: Spec): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** The list says so where there is one: `None` beside an address is a mistake, and not this. */
export function isHeadless({ clusterIP, clusterIPs = [] }: Spec): boolean {
  return clusterIPs.length === 0 ? clusterIP === 'None' : clusterIPs.length === 1 && clusterIPs[0] === 'None';
}

export function needsNodePort(spec: Spec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function needsHealthCheckNodePort(spec: Spec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Traffic from outside the cluster may arrive at it. */
export function externallyAccessible(spec: Spec): boolean {
  return needsNodePort(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
}

import type { Service, ServiceSpec } from '#api/generated/types.ts';
import { isHeadless, needsClusterIp } from '#api/service/traits.ts';

/** Whether ports without a node port get one. */
export function allocatesNodePorts(spec: ServiceSpec): boolean {
  if (spec.type === 'NodePort') return true;
  return spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
}

/** The numbers that a Service holds, each once: TCP and UDP of one port share theirs. */
export function nodePortsOf(spec: Pick<ServiceSpec, 'ports'>): readonly number[] {
  const numbers = (spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0).filter((port) => port > 0);
  return [...new Set(numbers)];
}

/** The addresses that a Service holds. */
export function addressesOf(spec: ServiceSpec): readonly string[] {
  if (!needsClusterIp(spec) || isHeadless(spec)) return [];
  return spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
}

/** The cluster's own Services have addresses that Pods are told before anybody could look them up. */
export function isExemptFromDeny({ metadata }: Service): boolean {
  return metadata.namespace === 'kube-system' || (metadata.namespace === 'default' && metadata.name === 'kubernetes');
}

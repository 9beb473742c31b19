import type * as t from '../generated/types.ts';
import { needsClusterIp, externallyAccessible } from './traits.ts';

/** Three hours. */
const AFFINITY_TIMEOUT_SECONDS = 10800;

function affinityDefaults(spec: t.ServiceSpec): Partial<t.ServiceSpec> {
  if ((spec.sessionAffinity ?? 'None') === 'None') return { sessionAffinity: 'None', sessionAffinityConfig: undefined };
  if (spec.sessionAffinity !== 'ClientIP') return {};
  const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_TIMEOUT_SECONDS;
  return { sessionAffinityConfig: { clientIP: { timeoutSeconds } } };
}

function portDefaults(port: t.ServicePort): t.ServicePort {
  const target = port.targetPort;
  return {
    ...port,
    protocol: port.protocol ?? 'TCP',
    targetPort: target === undefined || target === 0 || target === '' ? port.port : target,
  };
}

/** A load balancer that says nothing passes packets on with its own address as their destination. */
export function serviceStatusDefaults({ spec, status }: t.Service): t.ServiceStatus {
  const balancer = status?.loadBalancer ?? {};
  if (spec.type !== 'LoadBalancer' || balancer.ingress === undefined) return { ...status, loadBalancer: balancer };
  const ingress = balancer.ingress.map((entry) =>
    (entry.ip ?? '') === '' ? entry : { ...entry, ipMode: entry.ipMode ?? 'VIP' },
  );
  return { ...status, loadBalancer: { ingress } };
}

export function serviceDefaults(service: t.Service): t.Service {
  const given: t.ServiceSpec = service.spec ?? {};
  let spec: t.ServiceSpec = { ...given, type: given.type ?? 'ClusterIP', ...affinityDefaults(given) };
  if (spec.ports !== undefined) spec = { ...spec, ports: spec.ports.map(portDefaults) };
  if (externallyAccessible(spec)) spec = { ...spec, externalTrafficPolicy: spec.externalTrafficPolicy ?? 'Cluster' };
  if (needsClusterIp(spec)) spec = { ...spec, internalTrafficPolicy: spec.internalTrafficPolicy ?? 'Cluster' };
  if (spec.type === 'LoadBalancer') {
    spec = { ...spec, allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true };
  }
  return { ...service, spec };
}

import type * as t from '../generated/types.ts';
import { needsClusterIp, externallyAccessible } from './traits.ts';

/** Three hours. */
const AFFINITY_TIMEOUT_SECONDS = 10800;

function affinityDefaults(spec: t.ServiceSpec): Partial<t.ServiceSpec> {
  if (spec.sessionAffinity !== 'ClientIP') return { sessionAffinity: spec.sessionAffinity ?? 'None' };
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

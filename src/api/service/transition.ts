import { deepEqual } from '../equal.ts';
import type * as t from '../generated/types.ts';
import { serviceStatusDefaults } from './defaults.ts';
import { externallyAccessible, needsClusterIp, needsHealthCheckNodePort, needsNodePort } from './traits.ts';

type Spec = t.ServiceSpec;

/**
 * `clusterIP` is the first of `clusterIPs`; clients may set one of the two. On an update the one that the client changed
 * wins over the one it sent back as it was.
 */
function alignClusterIps(spec: Spec, old?: Spec): Spec {
  const { clusterIP = '', clusterIPs = [] } = spec;
  if (old === undefined) {
    return clusterIPs.length === 0 && clusterIP !== '' ? { ...spec, clusterIPs: [clusterIP] } : spec;
  }
  const before = old.clusterIPs ?? [];
  if (clusterIP === (old.clusterIP ?? '')) return clusterIPs.length === 0 ? { ...spec, clusterIPs: before } : spec;
  if (!deepEqual(clusterIPs, before)) return spec;
  return { ...spec, clusterIPs: clusterIP === '' ? undefined : [clusterIP] };
}

/** Ports that kept their name keep their node port, unless another port of the Service has it now. */
function keepNodePorts(ports: readonly t.ServicePort[], old: readonly t.ServicePort[]): readonly t.ServicePort[] {
  const before = new Map(old.map((port) => [port.name ?? '', port.nodePort ?? 0]));
  const oldNumbers = new Set(before.values());
  const used = new Set(
    ports.map((port) => port.nodePort ?? 0).filter((number) => number !== 0 && oldNumbers.has(number)),
  );
  return ports.map((port) => {
    const number = before.get(port.name ?? '') ?? 0;
    if ((port.nodePort ?? 0) !== 0 || number === 0 || used.has(number)) return port;
    used.add(number);
    return { ...port, nodePort: number };
  });
}

/** A load balancer without node ports loses those that it does not send back. */
function wantsNodePorts(spec: Spec): boolean {
  return needsNodePort(spec) && (spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false);
}

/** What the server once chose need not be sent back. */
function keepAllocated(spec: Spec, old: Spec): Spec {
  let next = spec;
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    next = { ...next, clusterIP: spec.clusterIP ?? old.clusterIP };
    if ((spec.clusterIPs?.length ?? 0) === 0) next = { ...next, clusterIPs: old.clusterIPs };
  }
  if (wantsNodePorts(spec) && wantsNodePorts(old) && next.ports !== undefined) {
    next = { ...next, ports: keepNodePorts(next.ports, old.ports ?? []) };
  }
  if (needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(old)) {
    next = { ...next, healthCheckNodePort: spec.healthCheckNodePort ?? old.healthCheckNodePort };
  }
  return next;
}

/** Clears `keys` where the client left them as they were. */
function dropUnchanged(spec: Spec, old: Spec, keys: readonly (keyof Spec)[]): Spec {
  const dropped = keys.filter((key) => deepEqual(spec[key], old[key]));
  return dropped.length === 0 ? spec : { ...spec, ...Object.fromEntries(dropped.map((key) => [key, undefined])) };
}

function dropNodePorts(spec: Spec, old: Spec): Spec {
  const known = new Set((old.ports ?? []).map((port) => port.nodePort ?? 0));
  const ports = spec.ports ?? [];
  // A number that is new was asked for, and is for validation to refuse.
  if (!ports.every((port) => (port.nodePort ?? 0) === 0 || known.has(port.nodePort ?? 0))) return spec;
  return { ...spec, ports: ports.map((port) => ({ ...port, nodePort: undefined })) };
}

/** Clears what the new type has no use for, so that changing `type` alone is a valid update. */
function dropTypeDependent(spec: Spec, old: Spec): Spec {
  let next = spec;
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    if (deepEqual([spec.clusterIP, spec.clusterIPs], [old.clusterIP, old.clusterIPs])) {
      next = { ...next, clusterIP: undefined, clusterIPs: undefined };
    }
    next = dropUnchanged(next, old, ['ipFamilies', 'ipFamilyPolicy']);
  }
  if (needsNodePort(old) && !needsNodePort(spec)) next = dropNodePorts(next, old);
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(spec)) {
    next = dropUnchanged(next, old, ['healthCheckNodePort']);
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    next = dropUnchanged(next, old, ['allocateLoadBalancerNodePorts', 'loadBalancerClass']);
  }
  if (externallyAccessible(old) && !externallyAccessible(spec)) {
    next = dropUnchanged(next, old, ['externalTrafficPolicy']);
  }
  return next;
}

/** It says nothing where there is no address; what is wrong is left for validation to refuse. */
function dropUselessPolicy(spec: Spec): Spec {
  const policy = spec.internalTrafficPolicy;
  const useless = spec.type === 'ExternalName' && (policy === 'Cluster' || policy === 'Local');
  return useless ? { ...spec, internalTrafficPolicy: undefined } : spec;
}

export function prepareServiceCreate(service: t.Service): t.Service {
  return { ...service, spec: dropUselessPolicy(alignClusterIps(service.spec)) };
}

/** An update of the status alone. */
export function prepareServiceStatus(service: t.Service): t.Service {
  return { ...service, status: serviceStatusDefaults(service) };
}

/** KEP-1860 and the API's own rules of what survives a change of `type`; the selector always does. */
export function prepareServiceUpdate(service: t.Service, old: t.Service): t.Service {
  const kept = keepAllocated(service.spec, old.spec);
  const spec = dropUselessPolicy(dropTypeDependent(alignClusterIps(kept, old.spec), old.spec));
  const status = spec.type === 'LoadBalancer' ? old.status : { ...old.status, loadBalancer: {} };
  return { ...service, spec, status };
}

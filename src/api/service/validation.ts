import { parseCidr } from '#base/cidr.ts';
import { duplicate, type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateLabels } from '../meta-validation.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkPort, checkPortName, checkQualifiedName } from '../names.ts';
import { checkIp, validateNonSpecialIp } from '../validation.ts';
import { validateClusterIps } from './cluster-ip-validation.ts';
import { externallyAccessible, isHeadless, needsClusterIp, needsHealthCheckNodePort } from './traits.ts';

type Spec = t.ServiceSpec;

const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";
/** A port that no Service may take away from the node agent. */
const NODE_AGENT_PORT = 10250;

function oneOf(field: string, value: string | undefined, allowed: readonly string[], needed: boolean): FieldError[] {
  if (value === undefined || value === '') return needed ? [required(field)] : [];
  return allowed.includes(value) ? [] : [unsupported(field, value, allowed)];
}

function validateType(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') {
    errors.push(required('spec.ports'));
  }
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') {
    if (isHeadless(spec)) {
      errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
    }
  } else if (spec.type === 'ExternalName') {
    errors.push(...validateExternalName(spec));
  }
  if (spec.type !== 'LoadBalancer') return errors;
  for (const [i, { port }] of (spec.ports ?? []).entries()) {
    if (port !== NODE_AGENT_PORT) continue;
    errors.push(
      invalid(`spec.ports[${i}]`, port, `may not expose port ${port} externally since it is used by kubelet`),
    );
  }
  return errors;
}

function validateExternalName(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (field: string): unknown =>
    errors.push(forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  if ((spec.clusterIPs ?? []).length > 0) refuse('clusterIPs');
  if ((spec.ipFamilies ?? []).length > 0) refuse('ipFamilies');
  if (spec.ipFamilyPolicy !== undefined) refuse('ipFamilyPolicy');
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else for (const text of checkDns1123Subdomain(name)) errors.push(invalid('spec.externalName', name, text));
  return errors;
}

function validatePort(port: t.ServicePort, at: string, named: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const { name = '', targetPort } = port;
  if (name === '') {
    if (named) errors.push(required(`${at}.name`));
  } else {
    for (const text of checkDns1123Label(name)) errors.push(invalid(`${at}.name`, name, text));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  }
  for (const text of checkPort(port.port ?? 0)) errors.push(invalid(`${at}.port`, port.port ?? 0, text));
  errors.push(...oneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], true));
  const target = typeof targetPort === 'string' ? checkPortName(targetPort) : checkPort(targetPort ?? 0);
  for (const text of target) errors.push(invalid(`${at}.targetPort`, targetPort ?? 0, text));
  if (port.appProtocol !== undefined) {
    for (const text of checkQualifiedName(port.appProtocol)) {
      errors.push(invalid(`${at}.appProtocol`, port.appProtocol, text));
    }
  }
  return errors;
}

/** The pair of protocol and port as it is shown: every field, the others empty. */
function portKey(protocol: string, port: number): Readonly<Record<string, unknown>> {
  return { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
}

function validatePortNumbers(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  for (const [i, { port, protocol = '', nodePort = 0 }] of (spec.ports ?? []).entries()) {
    const at = `spec.ports[${i}]`;
    if (nodePort !== 0) {
      if (spec.type === 'ClusterIP') {
        errors.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
      }
      if (nodePorts.has(`${protocol} ${nodePort}`)) errors.push(duplicate(`${at}.nodePort`, nodePort));
      nodePorts.add(`${protocol} ${nodePort}`);
    }
    if (numbers.has(`${protocol} ${port}`)) errors.push(duplicate(at, portKey(protocol, port)));
    numbers.add(`${protocol} ${port}`);
  }
  return errors;
}

function validateAffinity(spec: Spec): FieldError[] {
  const errors = oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'], true);
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'None' && config !== undefined) {
    errors.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const seconds = config?.clientIP?.timeoutSeconds;
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  if (seconds === undefined)
    return [...errors, required('spec.sessionAffinityConfig', 'when session affinity type is ClientIP')];
  if (seconds < 1 || seconds > 86400)
    errors.push(invalid(field, seconds, 'must be greater than 0 and less than 86400'));
  return errors;
}

function validateLoadBalancer(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const balanced = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const rangesField = 'spec.LoadBalancerSourceRanges';
  if (ranges.length > 0 && !balanced) errors.push(forbidden(rangesField, ONLY_LOAD_BALANCER));
  for (const [i, range] of ranges.entries()) {
    if (parseCidr(range.trim()) !== undefined) continue;
    const text = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
    errors.push(invalid(`${rangesField}[${i}]`, range, text));
  }
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) {
    errors.push(required('spec.allocateLoadBalancerNodePorts'));
  } else if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined) {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER));
  }
  const name = spec.loadBalancerClass;
  if (name === undefined) return errors;
  if (!balanced) return [...errors, forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER)];
  return [...errors, ...checkQualifiedName(name).map((text) => invalid('spec.loadBalancerClass', name, text))];
}

function validateTraffic(spec: Spec): FieldError[] {
  const { externalTrafficPolicy: external, healthCheckNodePort: health = 0 } = spec;
  const outside = externallyAccessible(spec);
  const errors = oneOf('spec.externalTrafficPolicy', external, ['Cluster', 'Local'], outside);
  if (health < 0) errors.push(invalid('spec.healthCheckNodePort', health, 'must be greater than or equal to 0'));
  if (!outside && (external ?? '') !== '') {
    errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  }
  if (health !== 0 && !needsHealthCheckNodePort(spec)) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid('spec.healthCheckNodePort', health, text));
  }
  const inside = needsClusterIp(spec);
  errors.push(...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'], inside));
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
  errors.push(...oneOf('spec.trafficDistribution', spec.trafficDistribution, distributions, false));
  return errors;
}

function validateExternalIps(spec: Spec): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const field = `spec.externalIPs[${i}]`;
    const problems = checkIp(field, ip);
    return problems.length > 0 ? problems : validateNonSpecialIp(field, ip);
  });
}

/** What a Service holds, on create and after an update. */
export function validateService({ spec }: t.Service): FieldError[] {
  const names = new Set<string>();
  const named = (spec.ports ?? []).length > 1;
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
  return [
    ...validateType(spec),
    ...(spec.ports ?? []).flatMap((port, i) => validatePort(port, `spec.ports[${i}]`, named, names)),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIps(spec),
    ...validateExternalIps(spec),
    ...oneOf('spec.type', spec.type, types, true),
    ...validatePortNumbers(spec),
    ...validateLoadBalancer(spec),
    ...validateTraffic(spec),
  ];
}

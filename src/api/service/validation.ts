import { duplicate, type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateLabels } from '../meta-validation.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkPort, checkPortName, checkQualifiedName } from '../names.ts';
import { validateNonSpecialIp } from '../validation.ts';
import { validateClusterIps } from './cluster-ip-validation.ts';
import { checkLegacyIp, plainLegacyIp } from './legacy-ip.ts';
import { validateLoadBalancer, validateSourceRanges } from './load-balancer-validation.ts';
import {
  externallyAccessible,
  isHeadless,
  needsClusterIp,
  needsHealthCheckNodePort,
  TOPOLOGY_HINTS,
  TOPOLOGY_MODE,
} from './traits.ts';

type Spec = t.ServiceSpec;

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

function doubles(spec: Spec, keyOf: (port: t.ServicePort) => string | undefined): readonly number[] {
  const seen = new Set<string>();
  return (spec.ports ?? []).flatMap((port, i) => {
    const key = keyOf(port);
    if (key === undefined || !seen.has(key)) {
      if (key !== undefined) seen.add(key);
      return [];
    }
    return [i];
  });
}

function validatePortNumbers(spec: Spec): FieldError[] {
  const ports = spec.ports ?? [];
  const refused = ports.flatMap(({ nodePort = 0 }, i) =>
    spec.type === 'ClusterIP' && nodePort !== 0
      ? [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")]
      : [],
  );
  const nodePorts = doubles(spec, ({ protocol = '', nodePort = 0 }) =>
    nodePort === 0 ? undefined : `${protocol} ${nodePort}`,
  );
  const numbers = doubles(spec, ({ protocol = '', port }) => `${protocol} ${port}`);
  return [
    ...refused,
    ...nodePorts.map((i) => duplicate(`spec.ports[${i}].nodePort`, ports[i]?.nodePort)),
    ...numbers.map((i) => duplicate(`spec.ports[${i}]`, portKey(ports[i]?.protocol ?? '', ports[i]?.port ?? 0))),
  ];
}

function validateAffinity(spec: Spec): FieldError[] {
  const errors = oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'], true);
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'None' && config !== undefined) {
    errors.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  const seconds = config?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [...errors, required(field, 'when session affinity type is ClientIP')];
  if (seconds <= 0 || seconds > 86400) {
    errors.push(invalid(field, seconds, 'must be greater than 0 and less than 86400'));
  }
  return errors;
}

function validateHealthCheckPort(spec: Spec): FieldError[] {
  const port = spec.healthCheckNodePort ?? 0;
  const field = 'spec.healthCheckNodePort';
  if (!needsHealthCheckNodePort(spec)) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    return port === 0 ? [] : [invalid(field, port, text)];
  }
  return port === 0 ? [required(field)] : checkPort(port).map((text) => invalid(field, port, text));
}

function validateTraffic(spec: Spec): FieldError[] {
  const { externalTrafficPolicy: external, trafficDistribution: distribution } = spec;
  const outside = externallyAccessible(spec);
  const errors = outside ? oneOf('spec.externalTrafficPolicy', external, ['Cluster', 'Local'], true) : [];
  if (!outside && (external ?? '') !== '') {
    errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  }
  errors.push(...validateHealthCheckPort(spec));
  const inside = needsClusterIp(spec);
  errors.push(...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'], inside));
  // Not in the order of the alphabet, as it is everywhere else.
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (distribution !== undefined && !distributions.includes(distribution)) {
    errors.push(unsupported('spec.trafficDistribution', distribution, distributions));
  }
  return errors;
}

/** What was valid when it was stored may stay. */
function validateExternalIps(spec: Spec, old: Spec | undefined): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const field = `spec.externalIPs[${i}]`;
    const problems = old?.externalIPs?.includes(ip) === true ? [] : checkLegacyIp(field, ip);
    return problems.length > 0 ? problems : validateNonSpecialIp(field, plainLegacyIp(ip));
  });
}

function validateAnnotations({ metadata }: t.Service): FieldError[] {
  const { [TOPOLOGY_HINTS]: hints, [TOPOLOGY_MODE]: mode } = metadata.annotations ?? {};
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const text = `must match annotations[${TOPOLOGY_HINTS}] when both are specified`;
  return [invalid(`metadata.annotations[${TOPOLOGY_MODE}]`, mode, text)];
}

/** What a Service holds, on create and, with the one before, after an update. */
export function validateService(service: t.Service, old?: t.Service): FieldError[] {
  const { spec } = service;
  const names = new Set<string>();
  const named = (spec.ports ?? []).length > 1;
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
  return [
    ...validateAnnotations(service),
    ...validateType(spec),
    ...(spec.ports ?? []).flatMap((port, i) => validatePort(port, `spec.ports[${i}]`, named, names)),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIps(spec, old?.spec),
    ...validateExternalIps(spec, old?.spec),
    ...oneOf('spec.type', spec.type, types, true),
    ...validatePortNumbers(spec),
    ...validateSourceRanges(service, old),
    ...validateLoadBalancer(spec),
    ...validateTraffic(spec),
  ];
}

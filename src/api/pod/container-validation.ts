import { duplicate, type FieldError, forbidden, invalid, notFound, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateUnique } from '../meta-validation.ts';
import { checkDns1123Label, checkEnvName, checkPort, checkPortName } from '../names.ts';
import { compareQuantities } from '../quantity.ts';
import { validateContainerResource, validateNotOvercommitted } from '../quota/resource-names.ts';
import { checkIp, invalidAll, validateChoice, validateNonnegative } from '../validation.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

export function validatePorts(ports: readonly Partial<t.ContainerPort>[] | undefined, field: string): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port, i) => {
    const at = `${field}[${i}]`;
    const errors: FieldError[] = [];
    const { name = '', containerPort = 0, hostPort } = port;
    if (name !== '') {
      errors.push(...invalidAll(`${at}.name`, name, checkPortName(name)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...invalidAll(`${at}.containerPort`, containerPort, checkPort(containerPort)));
    if (hostPort !== undefined) errors.push(...invalidAll(`${at}.hostPort`, hostPort, checkPort(hostPort)));
    if (port.hostIP !== undefined) errors.push(...checkIp(`${at}.hostIP`, port.hostIP));
    return [...errors, ...validateChoice(`${at}.protocol`, port.protocol, PROTOCOLS)];
  });
}

function validateEnv(env: readonly t.EnvVar[] | undefined, field: string): FieldError[] {
  return (env ?? []).flatMap(({ name, value, valueFrom }, i) => {
    const at = `${field}[${i}]`;
    const errors = (name ?? '') === '' ? [required(`${at}.name`)] : invalidAll(`${at}.name`, name, checkEnvName(name));
    if (valueFrom === undefined) return errors;
    const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
    if (sources === 0) {
      const text =
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
      return [...errors, invalid(`${at}.valueFrom`, '', text)];
    }
    if ((value ?? '') !== '') {
      errors.push(invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    } else if (sources > 1) {
      errors.push(invalid(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'));
    }
    return [...errors, ...validateFieldPath(valueFrom.fieldRef?.fieldPath, `${at}.valueFrom.fieldRef.fieldPath`)];
  });
}

const FIELD_PATHS: ReadonlySet<string> = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);

function validateFieldPath(path: string | undefined, at: string): FieldError[] {
  if (path === undefined || FIELD_PATHS.has(path) || /^metadata\.(?:annotations|labels)(?:\['.*'\])?$/.test(path))
    return [];
  return [invalid(at, path, `error converting fieldPath: field label not supported: ${path}`)];
}

function validateMounts(container: t.Container, volumes: ReadonlySet<string>, at: string): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }, i) => {
    const field = `${at}.volumeMounts[${i}]`;
    const errors: FieldError[] = [];
    if ((name ?? '') === '') errors.push(required(`${field}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${field}.name`, name ?? ''));
    if ((mountPath ?? '') === '') errors.push(required(`${field}.mountPath`));
    if (paths.has(mountPath)) errors.push(invalid(`${field}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    return errors;
  });
}

/** What a probe or hook does: exactly one of `keys`. */
function validateHandler(handler: object, keys: readonly string[], at: string): FieldError[] {
  const given = keys.filter((key) => (handler as Readonly<Record<string, unknown>>)[key] !== undefined);
  if (given.length === 0) return [required(at, 'must specify a handler type')];
  const errors = given.slice(1).map((key) => forbidden(`${at}.${key}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket } = handler as t.Probe;
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(required(`${at}.exec.command`));
  if (httpGet !== undefined) errors.push(...validateHttpGet(httpGet, `${at}.httpGet`));
  if (tcpSocket !== undefined) errors.push(...validateTarget(tcpSocket.port, `${at}.tcpSocket.port`));
  return errors;
}

function validateTarget(port: number | string | undefined, field: string): FieldError[] {
  return invalidAll(field, port ?? 0, typeof port === 'string' ? checkPortName(port) : checkPort(port ?? 0));
}

function validateHttpGet(action: t.HTTPGetAction, at: string): FieldError[] {
  return [
    ...((action.path ?? '') === '' ? [required(`${at}.path`)] : []),
    ...validateTarget(action.port, `${at}.port`),
    ...validateChoice(`${at}.scheme`, action.scheme, ['HTTP', 'HTTPS']),
  ];
}

const PROBE_NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: t.Probe | undefined, at: string, onlyOnce: boolean): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateHandler(probe, ['exec', 'httpGet', 'tcpSocket', 'grpc'], at);
  for (const key of PROBE_NUMBERS) errors.push(...validateNonnegative(`${at}.${key}`, probe[key]));
  if (onlyOnce && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  return errors;
}

function validateLifecycle(lifecycle: t.Lifecycle | undefined, at: string): FieldError[] {
  const { postStart, preStop } = lifecycle ?? {};
  const keys = ['exec', 'httpGet', 'tcpSocket', 'sleep'];
  return [
    ...(postStart === undefined ? [] : validateHandler(postStart, keys, `${at}.postStart`)),
    ...(preStop === undefined ? [] : validateHandler(preStop, keys, `${at}.preStop`)),
  ];
}

export function validateResources(resources: t.ResourceRequirements | undefined, at: string): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const errors: FieldError[] = [];
  for (const [kind, amounts] of Object.entries({ limits, requests })) {
    for (const [name, amount] of Object.entries(amounts)) {
      const field = `${at}.${kind}[${name}]`;
      errors.push(...validateContainerResource(name, field));
      if (compareQuantities(amount, '0') >= 0) continue;
      errors.push(invalid(field, amount, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(request, limit) <= 0) continue;
    errors.push(invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
  errors.push(...validateNotOvercommitted(limits, requests, at));
  return errors;
}

function validateImage(image: string, at: string): FieldError[] {
  if (image === '') return [required(`${at}.image`)];
  return image.trim() === image ? [] : [invalid(`${at}.image`, image, 'must not have leading or trailing whitespace')];
}

/** What containers of every sort hold; names are checked for uniqueness by the caller. */
export function validateContainer(container: t.Container, volumes: ReadonlySet<string>, at: string): FieldError[] {
  const name = container.name ?? '';
  const policies = ['File', 'FallbackToLogsOnError'].sort();
  return [
    ...(name === '' ? [required(`${at}.name`)] : invalidAll(`${at}.name`, name, checkDns1123Label(name))),
    ...validateImage(container.image ?? '', at),
    ...validateChoice(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, policies),
    ...validatePorts(container.ports, `${at}.ports`),
    ...validateEnv(container.env, `${at}.env`),
    ...validateMounts(container, volumes, at),
    ...validateChoice(`${at}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container.resources, `${at}.resources`),
  ];
}

/** Probes and hooks, which ordinary containers and sidecars may have. */
export function validateContainerLife(container: t.Container, at: string): FieldError[] {
  return [
    ...validateLifecycle(container.lifecycle, `${at}.lifecycle`),
    ...validateProbe(container.livenessProbe, `${at}.livenessProbe`, true),
    ...validateProbe(container.readinessProbe, `${at}.readinessProbe`, false),
    ...validateProbe(container.startupProbe, `${at}.startupProbe`, true),
  ];
}

/** Init containers that are not sidecars end before anything could be probed. */
export function validateInitContainer(container: t.Container, at: string): FieldError[] {
  if (container.restartPolicy === 'Always') return validateContainerLife(container, at);
  const text = 'may not be set for init containers without restartPolicy=Always';
  return (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((key) => container[key] !== undefined)
    .map((key) => forbidden(`${at}.${key}`, text));
}

export function validateUniqueNames(containers: readonly t.Container[], field: string): FieldError[] {
  return validateUnique(
    containers,
    (i) => `${field}[${i}].name`,
    (container) => container.name,
  );
}

import type { Service } from '#api/generated/types.ts';

/**
 * The variables by which a container finds Services without DNS: those of the Pod's own namespace, unless
 * `serviceLinks` is off, and always those of default/kubernetes, unless the namespace has a Service of that name itself.
 * In the order of the Services' creation; of two that make one variable the older has it.
 */
export function serviceEnv(
  services: readonly Service[],
  options: { readonly namespace: string; readonly serviceLinks: boolean },
): Readonly<Record<string, string>> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const isOwn = namespace === options.namespace && options.serviceLinks;
    const isMaster = namespace === 'default' && name === 'kubernetes' && !chosen.has(name);
    if ((isOwn || isMaster) && hasAddress(service)) chosen.set(name, service);
  }
  const env: Record<string, string> = {};
  for (const service of [...chosen.values()].sort(byCreation)) {
    for (const [variable, value] of Object.entries(variablesOf(service))) env[variable] ??= value;
  }
  return env;
}

function byCreation(a: Service, b: Service): number {
  const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

function hasAddress({ spec: { clusterIP = '' } }: Service): boolean {
  return clusterIP !== '' && clusterIP !== 'None';
}

function variablesOf(service: Service): Record<string, string> {
  const { clusterIP: ip = '' } = service.spec;
  const [first] = service.spec.ports ?? [];
  if (first === undefined) return {};
  const prefix = variableName(service.metadata.name);
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: ip,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
  };
  for (const { name = '', port } of service.spec.ports ?? []) {
    if (name !== '') env[`${prefix}_SERVICE_PORT_${variableName(name)}`] = String(port);
  }
  env[`${prefix}_PORT`] = url(ip, first);
  for (const port of service.spec.ports ?? []) {
    const protocol = port.protocol ?? 'TCP';
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    env[link] = url(ip, port);
    env[`${link}_PROTO`] = protocol.toLowerCase();
    env[`${link}_PORT`] = String(port.port);
    env[`${link}_ADDR`] = ip;
  }
  return env;
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}

function url(ip: string, port: { readonly protocol?: string | undefined; readonly port: number }): string {
  return `${(port.protocol ?? 'TCP').toLowerCase()}://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`;
}

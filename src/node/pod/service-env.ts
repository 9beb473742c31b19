import { type Service } from '#api/generated/types.ts';

/**
 * The variables by which a container finds Services without DNS: those of the Pod's own namespace, unless
 * `serviceLinks` is off, and always those of default/kubernetes.
 */
export function serviceEnv(
  services: readonly Service[],
  options: { readonly namespace: string; readonly serviceLinks: boolean },
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const own = namespace === options.namespace && options.serviceLinks;
    if (own || (namespace === 'default' && name === 'kubernetes')) Object.assign(env, variablesOf(service));
  }
  return env;
}

function variablesOf(service: Service): Record<string, string> {
  const ip = service.spec.clusterIP;
  const [first] = service.spec.ports ?? [];
  if (ip === undefined || ip === '' || ip === 'None' || first === undefined) return {};
  const prefix = variableName(service.metadata.name);
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: ip,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
    [`${prefix}_PORT`]: url(ip, first),
  };
  for (const port of service.spec.ports ?? []) {
    if (port.name !== undefined && port.name !== '') {
      env[`${prefix}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
    }
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

import type { Service, ServicePort } from '#api/generated/types.ts';
import { parseCidr } from '#base/cidr.ts';
import { canonicalIp, isPort, parseProtocol } from './service-ports.ts';

/**
 * What cannot be used of an object, in words, for the log; all the rest of it is used. An API server checks most of this, but
 * the proxy is not the one to fall over what it let through.
 */
export function serviceFaults(service: Service): readonly string[] {
  const { spec } = service;
  if (spec === undefined || spec.type === 'ExternalName') return [];
  const ranges = (spec.loadBalancerSourceRanges ?? []).filter(
    (text) => parseCidr(text.trim(), { masked: true }) === undefined,
  );
  return [
    ...addressFaults(service),
    ...ranges.map((text) => `source range ${quote(text)}`),
    ...servicePortFaults(spec.ports ?? []),
  ];
}

function addressFaults({ spec, status }: Service): readonly string[] {
  const clusterIps = spec?.clusterIPs ?? [spec?.clusterIP ?? ''];
  const addresses: readonly (readonly [string, readonly string[]])[] = [
    ['cluster address', clusterIps.filter((text) => text !== '' && text !== 'None')],
    ['external IP', spec?.externalIPs ?? []],
    ['load balancer address', (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])],
  ];
  return addresses.flatMap(([what, texts]) =>
    texts.filter((text) => canonicalIp(text) === undefined).map((text) => `${what} ${quote(text)}`),
  );
}

function servicePortFaults(ports: readonly ServicePort[]): readonly string[] {
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, port, nodePort = 0 }) => {
    const faults = [...portFaults(protocol, port)];
    if (nodePort !== 0 && !isPort(nodePort)) faults.push(`node port ${quote(nodePort)}`);
    const { size } = names;
    if (names.add(`${name} ${protocol ?? 'TCP'}`).size === size) faults.push(`second port of the name ${quote(name)}`);
    return faults;
  });
}

export function portFaults(protocol: string | undefined, port: number | undefined): readonly string[] {
  const faults: string[] = [];
  if (parseProtocol(protocol) === undefined) faults.push(`protocol ${quote(protocol)}`);
  // Absent means all ports, which a Service has no use for.
  if (port !== undefined && port !== null && !isPort(port)) faults.push(`port ${quote(port)}`);
  return faults;
}

export function quote(text: unknown): string {
  return JSON.stringify(text) ?? 'undefined';
}

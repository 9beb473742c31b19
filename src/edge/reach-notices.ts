import type { LoadBalancerIngress, Service, ServicePort } from '#api/generated/types.ts';
import { hostAddressOf } from './host-address.ts';
import { isExposed, LOOPBACK } from './host-port.ts';
import type { Notice } from './refusal.ts';

/** What a Service's events say of how the host reaches what it shows to the outside, where that is not plain to see. */
export function reachNotices(service: Service): readonly Notice[] {
  if (!isExposed(service)) return [];
  const { type, ports = [], loadBalancerClass } = service.spec;
  // The addresses of others' load balancers are for them to know.
  const ingress = loadBalancerClass === undefined ? service.status?.loadBalancer?.ingress : [];
  // It will have one in a moment.
  if (type === 'LoadBalancer' && ingress === undefined) return [];
  const addresses = (ingress ?? []).flatMap((one) => vipOf(one) ?? []);
  return [...elsewhere(addresses), ...insideOnly(addresses, ports)];
}

function vipOf({ ip, ipMode }: LoadBalancerIngress): string | undefined {
  return ipMode === 'Proxy' ? undefined : ip;
}

function elsewhere(addresses: readonly string[]): readonly Notice[] {
  return addresses.flatMap((ip) => {
    const host = hostAddressOf(ip);
    if (host === undefined || host === ip) return [];
    const message = `On this machine ${ip} is at ${host}, or ::ffff:${host} where it has to be written as IPv6`;
    return [{ reason: 'HostAddress', message }];
  });
}

function insideOnly(addresses: readonly string[], ports: readonly ServicePort[]): readonly Notice[] {
  const far = addresses.filter((ip) => hostAddressOf(ip) === undefined).map((ip) => `${ip}${insteadOf(ip, ports)}`);
  const sctp = ports.flatMap(({ port, protocol }) => (protocol === 'SCTP' ? `${port}/sctp` : []));
  const all = [...far, ...sctp];
  return all.length === 0 ? [] : [{ reason: 'InsideOnly', message: `Inside of the cluster only: ${all.join(', ')}` }];
}

function insteadOf(ip: string, ports: readonly ServicePort[]): string {
  const loopback = ip.includes(':') ? `[${LOOPBACK.IPv6}]` : LOOPBACK.IPv4;
  const open = ports.filter(({ nodePort = 0, protocol }) => nodePort > 0 && protocol !== 'SCTP');
  const at = open.map(({ nodePort }) => `${loopback}:${nodePort}`);
  return at.length === 0 ? '' : ` (this machine reaches the Service at ${at.join(', ')})`;
}

import type { Service, ServicePort } from '#api/generated/types.ts';
import { isExposed, LOOPBACK } from './host-port.ts';

/** What a Service shows to the outside and the host cannot reach, as the Service's events say it; undefined: nothing. */
export function insideOnly(service: Service): string | undefined {
  if (!isExposed(service)) return undefined;
  const { type, ports = [], loadBalancerClass } = service.spec;
  // The addresses of others' load balancers are for them to know.
  const ingress = loadBalancerClass === undefined ? service.status?.loadBalancer?.ingress : [];
  // It will have one in a moment.
  if (type === 'LoadBalancer' && ingress === undefined) return undefined;
  const elsewhere = (ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip === undefined || ip.startsWith('127.') || ipMode === 'Proxy' ? [] : `${ip}${insteadOf(ip, ports)}`,
  );
  const sctp = ports.flatMap(({ port, protocol }) => (protocol === 'SCTP' ? `${port}/sctp` : []));
  const all = [...elsewhere, ...sctp];
  return all.length === 0 ? undefined : `Inside of the cluster only: ${all.join(', ')}`;
}

function insteadOf(ip: string, ports: readonly ServicePort[]): string {
  const loopback = ip.includes(':') ? `[${LOOPBACK.IPv6}]` : LOOPBACK.IPv4;
  const open = ports.filter(({ nodePort = 0, protocol }) => nodePort > 0 && protocol !== 'SCTP');
  const at = open.map(({ nodePort }) => `${loopback}:${nodePort}`);
  return at.length === 0 ? '' : ` (this machine reaches the Service at ${at.join(', ')})`;
}

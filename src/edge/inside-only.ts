import type { Service } from '#api/generated/types.ts';
import { isExposed, LOOPBACK } from './host-port.ts';

/** What a Service shows to the outside and the host cannot reach, as the Service's events say it; undefined: nothing. */
export function insideOnly(service: Service): string | undefined {
  if (!isExposed(service)) return undefined;
  const { ports = [], loadBalancerClass } = service.spec;
  const texts: string[] = [];
  // The addresses of others' load balancers are for them to know.
  const ingress = loadBalancerClass === undefined ? (service.status?.loadBalancer?.ingress ?? []) : [];
  for (const { ip, ipMode } of ingress) {
    if (ip === undefined || ip.startsWith('127.') || ipMode === 'Proxy') continue;
    const loopback = ip.includes(':') ? `[${LOOPBACK.IPv6}]` : LOOPBACK.IPv4;
    const instead = ports.flatMap(({ nodePort = 0, protocol }) =>
      nodePort > 0 && protocol !== 'SCTP' ? [`${loopback}:${nodePort}`] : [],
    );
    texts.push(
      `${ip} answers${instead.length === 0 ? '' : `; this machine reaches the Service at ${instead.join(', ')}`}`,
    );
  }
  const sctp = ports.filter(({ protocol }) => protocol === 'SCTP').map(({ port }) => port);
  if (sctp.length > 0) texts.push(`${sctp.join(', ')}/sctp answers`);
  return texts.length === 0 ? undefined : `Only inside of the cluster ${texts.join('; and only there ')}`;
}

import { cidrContains, parseCidr } from '#base/cidr.ts';
import { formatIp, type Ip, parseIp } from '#base/ip.ts';

const LOOPBACKS = parseCidr('127.0.0.0/8');
/** Load balancers of IPv6 whose last 32 bits are an address of 127.0.0.0/8. */
const TWINS = parseCidr('fd00:127::/96');

/**
 * The address of 127.0.0.0/8 at which the host reaches a load balancer's; undefined where there is none. IPv6 has one address
 * of the loopback, so those of load balancers name one of IPv4 each in their last 32 bits.
 */
export function hostAddressOf(balancer: string): string | undefined {
  const ip = parseIp(balancer);
  const own = ip?.family === 6 ? twinOf(ip) : ip;
  return own !== undefined && LOOPBACKS !== undefined && cidrContains(LOOPBACKS, own) ? formatIp(own) : undefined;
}

function twinOf(ip: Ip): Ip | undefined {
  if (TWINS === undefined || !cidrContains(TWINS, ip)) return undefined;
  return { family: 4, value: ip.value & 0xffff_ffffn };
}

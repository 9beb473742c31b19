import { addressBits, formatCidr, parseCidr } from '#base/cidr.ts';
import { formatIp, parseIp } from '#base/ip.ts';
import { parseLegacyCidr, parseLegacyIp } from './legacy-ip.ts';

/** What is wrong with an address in a field that takes each in one form only; empty when nothing is. */
export function checkStrictIp(text: string): readonly string[] {
  const sloppy = parseLegacyIp(text);
  if (sloppy === undefined) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  const ip = parseIp(text);
  if (ip === undefined) return ['must not have leading 0s'];
  if (ip.family !== sloppy.family) return ['must not be an IPv4-mapped IPv6 address'];
  const plain = formatIp(ip);
  return plain === text ? [] : [`must be in canonical form ("${plain}")`];
}

export function checkStrictCidr(text: string): readonly string[] {
  const sloppy = parseLegacyCidr(text);
  if (sloppy === undefined) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
  const cidr = parseCidr(text, { masked: true });
  if (cidr === undefined) return ['must not have leading 0s in IP or prefix length'];
  if (cidr.family === 6 && isMapped(cidr.base)) return ['must not have an IPv4-mapped IPv6 address'];
  if (parseCidr(text) === undefined) return ['must not have bits set beyond the prefix length'];
  const plain = formatCidr(cidr);
  return plain === text ? [] : [`must be in canonical form ("${plain}")`];
}

/** ::ffff:0:0/96. */
function isMapped(value: bigint): boolean {
  return value >> BigInt(addressBits(4)) === 0xffffn;
}

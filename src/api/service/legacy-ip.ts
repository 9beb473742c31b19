import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, parseIp, type Ip } from '#base/ip.ts';
import { type FieldError, invalid } from '../field-error.ts';

const MAPPED_V4 = 0xffffn << 32n;

function withoutLeadingZeros(text: string): string {
  return text.includes(':') ? text : text.replaceAll(/(^|\.)0+(?=\d)/g, '$1');
}

/**
 * An address as the old fields take it: leading zeros are decimal (CVE-2021-29923), and an IPv4 address written as IPv6
 * is the IPv4 address.
 */
export function parseLegacyIp(text: string): Ip | undefined {
  const ip = parseIp(withoutLeadingZeros(text));
  if (ip?.family !== 6 || ip.value >> 32n !== 0xffffn) return ip;
  return { family: 4, value: ip.value - MAPPED_V4 };
}

/** The one form of an address; what is none stays as it is. */
export function plainLegacyIp(text: string): string {
  const ip = parseLegacyIp(text);
  return ip === undefined ? text : formatIp(ip);
}

export function parseLegacyCidr(text: string): Cidr | undefined {
  const [address = '', prefix = ''] = text.split('/', 2);
  return parseCidr(`${withoutLeadingZeros(address)}/${prefix.replace(/^0+(?=\d)/, '')}`, { masked: true });
}

export function checkLegacyIp(field: string, text: string): FieldError[] {
  if (parseLegacyIp(text) !== undefined) return [];
  return [invalid(field, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

export function checkLegacyCidr(field: string, text: string): FieldError[] {
  if (parseLegacyCidr(text) !== undefined) return [];
  return [invalid(field, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

/** What a client is told of an address that is taken as it is, and had better be written otherwise. */
export function legacyIpWarnings(field: string, text: string): readonly string[] {
  const ip = parseLegacyIp(text);
  if (ip === undefined || formatIp(ip) === text) return [];
  const plain = formatIp(ip);
  if (ip.family === 6) return [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${plain}")`];
  return [
    `${field}: non-standard IP address "${text}" will be considered invalid in a future Kubernetes release: use "${plain}"`,
  ];
}

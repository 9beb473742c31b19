import { formatIp, type Ip, ipBytes, ipFromBytes, parseIp } from '#base/ip.ts';

/**
 * An address as small as it gets, and fit for the key of a Map: IPv4 is a number, IPv6 a string of 16 characters, one a
 * byte. A large cluster has 100,000 of them.
 */
export type Address = number | string;

const DOT = 46;
const DASH = 45;

export function parseAddress(text: string): Address | undefined {
  const v4 = parseIpv4(text, DOT);
  if (v4 !== undefined) return v4;
  const ip = parseIp(text);
  return ip === undefined || ip.family === 4 ? undefined : Buffer.from(ipBytes(ip)).toString('latin1');
}

/** Four decimal numbers with `separator` between them. There are many: so without patterns and large integers. */
function parseIpv4(text: string, separator: number): number | undefined {
  let value = 0;
  let octet = -1;
  let separators = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === separator) {
      if (octet === -1) return undefined;
      value = value * 256 + octet;
      octet = -1;
      separators++;
    } else {
      // After 0 nothing may follow: some read leading zeros as octal.
      if (character < 48 || character > 57 || octet === 0) return undefined;
      octet = (octet === -1 ? 0 : octet * 10) + character - 48;
      if (octet > 255) return undefined;
    }
  }
  return separators === 3 && octet !== -1 ? value * 256 + octet : undefined;
}

/** 32 bits of it, for an index: all of IPv4, and of IPv6 what few others share. */
export function addressBits(address: Address): number {
  if (typeof address === 'number') return address;
  let bits = 0;
  for (let i = 0; i < address.length; i++) bits = (Math.imul(bits, 31) + address.charCodeAt(i)) | 0;
  return bits >>> 0;
}

export function addressText(address: Address): string {
  if (typeof address === 'string') return formatIp(ipFromBytes(Buffer.from(address, 'latin1')));
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** For comparing with ranges. */
export function ipOf(address: Address): Ip {
  if (typeof address === 'string') return ipFromBytes(Buffer.from(address, 'latin1'));
  return { family: 4, value: BigInt(address) };
}

/** The label of an endpoint that has no hostname: `10-244-0-5`, `fd00--5`. */
export function dashedLabel(address: Address): string {
  if (typeof address === 'string') return addressText(address).replaceAll(/[.:]/g, '-');
  return `${address >>> 24}-${(address >>> 16) & 255}-${(address >>> 8) & 255}-${address & 255}`;
}

/** The address that a dashed label stands for. IPv6 may begin with dashes: `--1`. */
export function addressOfDashedLabel(label: string): Address | undefined {
  const v4 = parseIpv4(label, DASH);
  if (v4 !== undefined) return v4;
  return /^[0-9a-f]*-[0-9a-f]*-[0-9a-f-]*$/.test(label) ? parseAddress(label.replaceAll('-', ':')) : undefined;
}

/** Of the labels of a name below `in-addr.arpa` or `ip6.arpa`; undefined when they are not the whole of an address. */
export function addressOfReverse(labels: readonly string[]): Address | undefined {
  if (labels.at(-1) !== 'arpa') return undefined;
  const tree = labels.at(-2);
  if (tree === 'in-addr' && labels.length === 6) {
    return parseIpv4(`${labels[3]}.${labels[2]}.${labels[1]}.${labels[0]}`, DOT);
  }
  if (tree !== 'ip6' || labels.length !== 34) return undefined;
  const nibbles = labels.slice(0, 32).toReversed();
  if (nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return Buffer.from(nibbles.join(''), 'hex').toString('latin1');
}

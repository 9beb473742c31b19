export type IpFamily = 4 | 6;

/** An address as a number: 32 bits for IPv4, 128 for IPv6. */
export interface Ip {
  readonly family: IpFamily;
  readonly value: bigint;
}

/**
 * Parses an IPv4 or IPv6 address, or returns undefined. Leading zeros in IPv4 are refused, because some programs read
 * them as octal and some as decimal (CVE-2021-29923).
 */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = (value << 8n) | BigInt(octet);
  }
  return { family: 4, value };
}

function parseIpv6(text: string): Ip | undefined {
  const lastColon = text.lastIndexOf(':');
  let head = text;
  let tail: string[] = [];
  if (text.includes('.')) {
    const v4 = parseIpv4(text.slice(lastColon + 1));
    if (v4 === undefined) return undefined;
    head = text.slice(0, lastColon + 1);
    if (!head.endsWith('::')) head = head.slice(0, -1);
    tail = [(v4.value >> 16n).toString(16), (v4.value & 0xffffn).toString(16)];
  }
  const halves = head.split('::');
  if (halves.length > 2) return undefined;
  const left = halves[0] === '' || halves[0] === undefined ? [] : halves[0].split(':');
  const right = halves[1] === '' || halves[1] === undefined ? [] : halves[1].split(':');
  const given = left.length + right.length + tail.length;
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...left, ...Array.from({ length: 8 - given }, () => '0'), ...right, ...tail];
  let value = 0n;
  for (const group of groups) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(Number.parseInt(group, 16));
  }
  return { family: 6, value };
}

/** Canonical text: dotted IPv4, RFC 5952 for IPv6. */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) {
    const v = Number(ip.value);
    return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => Number((ip.value >> BigInt(112 - 16 * i)) & 0xffffn));
  if (ip.value >> 32n === 0xffffn) return `::ffff:${formatIp({ family: 4, value: ip.value & 0xffffffffn })}`;
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run === undefined) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

/** RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } | undefined {
  let best: { start: number; length: number } | undefined;
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length >= 2 && length > (best?.length ?? 0)) best = { start, length };
  }
  return best;
}

/** Network byte order, 4 or 16 bytes. */
export function ipBytes(ip: Ip): Uint8Array {
  const size = ip.family === 4 ? 4 : 16;
  const bytes = new Uint8Array(size);
  let rest = ip.value;
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`Cannot read an address of ${bytes.length} bytes: it must be 4 or 16`);
  }
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** The name under which DNS keeps the PTR record: `1.0.96.10.in-addr.arpa`. No trailing dot. */
export function reverseName(ip: Ip): string {
  if (ip.family === 4) return `${formatIp(ip).split('.').reverse().join('.')}.in-addr.arpa`;
  return `${Array.from(ip.value.toString(16).padStart(32, '0')).reverse().join('.')}.ip6.arpa`;
}

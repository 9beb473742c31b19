import { formatIp, ipBytes, ipFromBytes, parseIp } from '#base/ip.ts';

/**
 * Writes a dotted IPv4 address at `offset` and says whether `text` was one. `parseIp` goes through bigint; this is for
 * the hundred thousands of addresses of a full load.
 */
export function writeIpv4(target: Uint8Array, offset: number, text: string): boolean {
  let at = offset;
  let octet = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || at === offset + 3) return false;
      target[at++] = octet;
      octet = 0;
      digits = 0;
    } else {
      // A leading zero is refused, as in parseIp: some programs read it as octal.
      if (code < 0x30 || code > 0x39 || (digits > 0 && octet === 0)) return false;
      octet = octet * 10 + (code - 0x30);
      digits++;
      if (octet > 255) return false;
    }
  }
  if (digits === 0 || at !== offset + 3) return false;
  target[at] = octet;
  return true;
}

/** Writes an address of the family that `length` (4 or 16) says, and says whether `text` was one. */
export function writeAddress(target: Uint8Array, offset: number, text: string, length: number): boolean {
  if (length === 4) return writeIpv4(target, offset, text);
  const ip = parseIp(text);
  if (ip?.family !== 6) return false;
  target.set(ipBytes(ip), offset);
  return true;
}

/** Of the family that `length` (4 or 16) says. */
export function formatAddress(bytes: Uint8Array, length: number = bytes.length): string {
  if (length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  return formatIp(ipFromBytes(bytes.subarray(0, length)));
}

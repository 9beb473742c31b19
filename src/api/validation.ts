import { type Ip, ipBytes, parseIp } from '#base/ip.ts';
import { deepEqual } from './equal.ts';
import { type FieldError, invalid, required, unsupported } from './field-error.ts';

/** Each text as an error of `field`. */
export function invalidAll(field: string, value: unknown, texts: readonly string[]): FieldError[] {
  return texts.map((text) => invalid(field, value, text));
}

/** A choice out of a few; `allowed` sorted. */
export function validateChoice(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [required(field)];
  return allowed.includes(value) ? [] : [unsupported(field, value, allowed)];
}

export function validateNonnegative(field: string, value: number | undefined): FieldError[] {
  if (value === undefined || value >= 0) return [];
  return [invalid(field, value, 'must be greater than or equal to 0')];
}

export function validateImmutable(field: string, value: unknown, old: unknown): FieldError[] {
  return deepEqual(value, old) ? [] : [invalid(field, value, 'field is immutable')];
}

export function checkIp(field: string, text: string): FieldError[] {
  if (parseIp(text) !== undefined) return [];
  return [invalid(field, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

function prefixMatches(ip: Ip, v4: readonly [number, number], v6: readonly [number, number]): boolean {
  const bytes = ipBytes(ip);
  const head = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  const [value, mask] = ip.family === 4 ? v4 : v6;
  return (head & mask) === value;
}

function isZeros(bytes: Uint8Array, last: number): boolean {
  return bytes.every((byte, i) => byte === (i === bytes.length - 1 ? last : 0));
}

/** Refuses addresses that cannot be a way to something else: unspecified, loopback, link-local. */
export function validateNonSpecialIp(field: string, text: string): FieldError[] {
  const ip = parseIp(text);
  if (ip === undefined) return [invalid(field, text, 'must be a valid IP address')];
  const bytes = ipBytes(ip);
  const errors: FieldError[] = [];
  if (isZeros(bytes, 0)) errors.push(invalid(field, text, `may not be unspecified (${text})`));
  if (ip.family === 4 ? bytes[0] === 127 : isZeros(bytes, 1)) {
    errors.push(invalid(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  }
  if (prefixMatches(ip, [0xa9fe, 0xffff], [0xfe80, 0xffc0])) {
    errors.push(invalid(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  }
  const multicast = ip.family === 4 ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0 : isLinkMulticast(bytes);
  if (multicast) {
    errors.push(invalid(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'));
  }
  return errors;
}

/** ffX2: multicast with link-local scope, whatever the flags. */
function isLinkMulticast(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && ((bytes[1] ?? 0) & 0x0f) === 2;
}

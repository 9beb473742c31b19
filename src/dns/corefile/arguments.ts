import { cidrAddress, parseCidr } from '#base/cidr.ts';
import { formatIp, parseIp } from '#base/ip.ts';
import { wireName, type WireName } from '../name.ts';
import { RCODES, type Rcode, RECORD_TYPES } from '../record-type.ts';
import type { Line } from './corefile.ts';
import { corefileError, type Place } from './place.ts';

/** Go's durations: `5s`, `1m30s`, `500ms`. In milliseconds. */
export function duration(place: Place, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (text === '0') return 0;
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw corefileError(place, `"${text}" is no duration`, 'write it like 5s, 500ms or 1m30s');
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

export function wholeNumber(place: Place, text: string, least: number = 0, most: number = 2 ** 31): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  const range = most === 2 ** 31 ? `of ${least} or more` : `from ${least} to ${most}`;
  throw corefileError(place, `"${text}" is no number ${range}`);
}

/** Between `least` and `most` arguments. */
export function argumentsOf(line: Line, least: number, most: number = least): readonly string[] {
  if (line.args.length >= least && line.args.length <= most) return line.args;
  const some =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  throw corefileError(line, `${line.name} takes ${some} arguments, and has ${line.args.length}`);
}

export function unknownProperty(line: Line, of: string, known: readonly string[]): Error {
  return corefileError(line, `"${line.name}" is not a property of ${of} here: there is ${known.join(', ')}`);
}

export function zoneName(place: Place, text: string): WireName {
  const name = wireName(text === '.' ? '' : text);
  if (name === undefined) throw corefileError(place, `"${text}" is no domain name`);
  return name;
}

/** A domain, or an address range, which stands for its reverse zones. */
export function zonesOf(place: Place, text: string): readonly WireName[] {
  const range = text.includes('/') ? parseCidr(text) : undefined;
  if (range === undefined) return [zoneName(place, text)];
  const step = range.family === 4 ? 8 : 4;
  // A range that ends inside of a label is all the labels in it.
  const whole = Math.ceil(range.prefix / step) * step;
  const count = 2 ** (whole - range.prefix);
  const size = 1n << BigInt((range.family === 4 ? 32 : 128) - whole);
  return Array.from({ length: count }, (_, i) => {
    const address = formatIp(cidrAddress(range, BigInt(i) * size));
    return zoneName(place, reverseName(address, whole / step));
  });
}

/** The name of an address below `in-addr.arpa` or `ip6.arpa`, of its first `labels` parts. */
export function reverseName(address: string, labels: number): string {
  const ip = parseIp(address);
  if (ip?.family === 4) {
    return [...address.split('.').slice(0, labels).toReversed(), 'in-addr', 'arpa'].join('.');
  }
  const digits = (ip?.value ?? 0n).toString(16).padStart(32, '0').slice(0, labels).split('');
  return [...digits.toReversed(), 'ip6', 'arpa'].join('.');
}

/** No arguments: the zones of the server block. */
export function zonesOrBlock(line: Line, args: readonly string[], block: readonly WireName[]): readonly WireName[] {
  return args.length === 0 ? block : args.flatMap((arg) => zonesOf(line, arg));
}

/** `fallthrough` by itself is for every name. */
export function fallthroughZones(line: Line): readonly WireName[] {
  return line.args.length === 0 ? ['\0'] : line.args.flatMap((arg) => zonesOf(line, arg));
}

export function rcodeNamed(place: Place, name: string): number {
  const code = Object.hasOwn(RCODES, name) ? RCODES[name as Rcode] : undefined;
  if (code !== undefined && code < 16) return code;
  const known = Object.keys(RCODES).filter((other) => RCODES[other as Rcode] < 16);
  throw corefileError(place, `"${name}" is no code of an answer: there is ${known.join(', ')}`);
}

/** The number of a type of questions. */
export function typeNamed(place: Place, name: string): number {
  const number = /^TYPE(\d{1,5})$/.exec(name)?.[1];
  if (number !== undefined && Number(number) < 65_536) return Number(number);
  if (Object.hasOwn(RECORD_TYPES, name)) return RECORD_TYPES[name as keyof typeof RECORD_TYPES];
  throw corefileError(place, `"${name}" is no type of a question`, 'write it like A, ANY or TYPE64');
}

/** `:8080`, `localhost:9153`, `[::1]:9153`. */
export function listenAddress(
  place: Place,
  text: string,
  fallbackPort: number,
): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text.replace(/^[a-z]+:\/\//, ''));
  if (match === null) throw corefileError(place, `"${text}" is no address to listen on`, 'write it like :8080');
  const port = match[3] === undefined ? fallbackPort : wholeNumber(place, match[3], 0, 65_535);
  return { host: match[1] ?? match[2] ?? '', port };
}

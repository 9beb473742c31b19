import type { Answer } from 'dns-packet';
import { parseIp } from '#base/ip.ts';
import { wireName } from './name.ts';

const TIME = /^\d+(?:[smhdw]\d+)*[smhdw]?$/i;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
/** Bytes: its length is in one byte before it. */
export const MAX_TEXT = 255;
/** What a record without a time has, as in CoreDNS. */
const DEFAULT_TTL = 3600;

interface RecordHead {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  readonly data: readonly string[];
}

/** A record of class IN as a zone file writes it (RFC 1035 5.1), on one line. @throws SyntaxError */
export function parseRecord(text: string): Answer {
  const { name, ttl, type, data } = readHead(text);
  const read = Object.hasOwn(READERS, type) ? READERS[type]?.(data) : undefined;
  if (read === undefined) throw new SyntaxError(`Cannot read the record "${text}"`);
  return { name, ttl, type, data: read } as Answer;
}

/** The type of a record whose data may not be there yet. @throws SyntaxError */
export function recordType(text: string): string {
  return readHead(text).type;
}

function readHead(text: string): RecordHead {
  const [name = '', ...rest] = words(text);
  let ttl = DEFAULT_TTL;
  let at = 0;
  for (; at < 2; at++) {
    const word = rest[at] ?? '';
    if (TIME.test(word)) ttl = seconds(word);
    else if (word.toUpperCase() !== 'IN') break;
  }
  const type = rest[at]?.toUpperCase();
  if (type === undefined) throw new SyntaxError(`Cannot read the record "${text}": it has no type`);
  return { name: undotted(name), ttl, type, data: rest.slice(at + 1) };
}

/** Parentheses carry a record over lines, of which there is but one here. */
function words(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|;.*|[^\s"();]+/g)].flatMap(([whole, quoted]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1');
    return whole.startsWith(';') ? [] : whole;
  });
}

function seconds(text: string): number {
  return [...text.matchAll(/(\d+)([smhdw]?)/gi)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit.toLowerCase()] ?? 1),
    0,
  );
}

/** A name as the general codec takes it, which does not look at how long it is. @throws SyntaxError */
function undotted(name: string): string {
  if (wireName(name) === undefined) throw new SyntaxError(`Cannot read the record: "${name}" is no name`);
  return name === '.' ? name : name.replace(/\.$/, '');
}

type Words = readonly string[];

const address =
  (family: 4 | 6) =>
  ([text = '', ...more]: Words): unknown =>
    more.length === 0 && parseIp(text)?.family === family ? text : undefined;

const target = ([name, ...more]: Words): unknown =>
  name === undefined || more.length > 0 ? undefined : undotted(name);

/** A text of a record has at most 255 bytes: what is longer goes on in the next. */
function pieces(word: string): readonly Buffer[] {
  const bytes = Buffer.from(word);
  const count = Math.max(1, Math.ceil(bytes.length / MAX_TEXT));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * MAX_TEXT, (i + 1) * MAX_TEXT));
}

/** Undefined unless they are `count` whole numbers. */
function numbers(words: Words, count: number): readonly number[] | undefined {
  return words.length === count && words.every((word) => /^\d+$/.test(word)) ? words.map(Number) : undefined;
}

/** From the words after the type to what the general codec takes; undefined where they are not right. */
const READERS: Readonly<Record<string, (words: Words) => unknown>> = {
  A: address(4),
  AAAA: address(6),
  CAA: ([flags = '', tag, value, ...more]) => {
    const [number] = numbers([flags], 1) ?? [];
    return number === undefined || value === undefined || more.length > 0 ? undefined : { flags: number, tag, value };
  },
  CNAME: target,
  DNAME: target,
  HINFO: ([cpu, os, ...more]) => (os === undefined || more.length > 0 ? undefined : { cpu, os }),
  MX: ([first = '', ...rest]) => {
    const [preference] = numbers([first], 1) ?? [];
    const exchange = target(rest);
    return preference === undefined || exchange === undefined ? undefined : { preference, exchange };
  },
  NS: target,
  PTR: target,
  SOA: ([mname, rname, ...rest]) => {
    const times = rest.every((word) => TIME.test(word)) ? rest.map(seconds) : [];
    const [serial, refresh, retry, expire, minimum] = times;
    if (mname === undefined || rname === undefined || times.length !== 5) return undefined;
    return { mname: undotted(mname), rname: undotted(rname), serial, refresh, retry, expire, minimum };
  },
  SRV: (words) => {
    const [priority, weight, port] = numbers(words.slice(0, 3), 3) ?? [];
    const name = target(words.slice(3));
    return port === undefined || name === undefined ? undefined : { priority, weight, port, target: name };
  },
  TXT: (words) => (words.length === 0 ? undefined : words.flatMap(pieces)),
};

export const WRITTEN_TYPES: Words = Object.keys(READERS);

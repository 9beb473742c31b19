import { PatternError } from '../../re2/pattern-error.ts';
import { type Re2, re2 } from '../../re2/regexp.ts';
import { CelError } from '../cel-error.ts';
import { CelList } from '../cel-value.ts';
import { formatText } from '../format-text.ts';
import {
  type CelFunction,
  define,
  type Definition,
  once,
  pattern,
  product,
  resultTwice,
  sizeOf,
  twice,
} from './cel-function.ts';

/** Positions count code points. Text of the first plane, nearly all of it, needs no splitting for that. */
function points(text: string): readonly string[] {
  return Array.from(text);
}

function charAt(text: string, index: bigint): string {
  const all = points(text);
  if (index < 0n || index > BigInt(all.length)) throw new CelError(`index out of range: ${index}`);
  return all[Number(index)] ?? '';
}

function matchesAt(all: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((character, index) => all[at + index] === character);
}

function checkOffset(from: bigint): void {
  if (from < 0n) throw new CelError(`index out of range: ${from}`);
}

function indexOf(text: string, part: string, from: bigint = 0n): bigint {
  if (part === '') return from;
  checkOffset(from);
  const [all, wanted] = [points(text), points(part)];
  for (let at = Number(from); at + wanted.length <= all.length; at++) {
    if (matchesAt(all, wanted, at)) return BigInt(at);
  }
  return -1n;
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const [all, wanted] = [points(text), points(part)];
  if (part === '') return from ?? BigInt(all.length);
  if (from !== undefined) checkOffset(from);
  if (from !== undefined && from >= BigInt(all.length)) return -1n;
  const last = all.length - wanted.length;
  for (let at = from === undefined ? last : Math.min(Number(from), last); at >= 0; at--) {
    if (matchesAt(all, wanted, at)) return BigInt(at);
  }
  return -1n;
}

function replace(text: string, old: string, by: string, times: bigint = -1n): string {
  if (times === 0n) return text;
  if (times < 0n) return text.replaceAll(old, () => by);
  let left = times;
  return text.replaceAll(old, () => (left-- > 0n ? by : old));
}

function split(text: string, separator: string, limit: bigint = -1n): CelList {
  if (limit === 0n) return CelList.of([]);
  const all = separator === '' ? [...points(text)] : text.split(separator);
  if (limit < 0n || BigInt(all.length) <= limit) return CelList.of(all);
  const kept = Number(limit) - 1;
  return CelList.of([...all.slice(0, kept), all.slice(kept).join(separator)]);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = points(text);
  const size = BigInt(all.length);
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > size) throw new CelError(`index out of range: ${start}`);
  if (end !== undefined && (end < 0n || end > size)) throw new CelError(`index out of range: ${end}`);
  return all.slice(Number(start), end === undefined ? undefined : Number(end)).join('');
}

function join(list: CelList, separator: string = ''): string {
  return ([...list] as string[]).join(separator);
}

const SPACE = '[\\t\\n\\v\\f\\r \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]+';
const TRIM = new RegExp(`^${SPACE}|${SPACE}$`, 'g');

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function quote(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is to be escaped
  return `"${text.replaceAll(/[\u0007\b\f\n\r\t\v\\"]/g, (character) => ESCAPES[character] ?? character)}"`;
}

function findAll(text: string, regex: string, limit: bigint = -1n): CelList {
  const matches = expressionOf(regex).findAll(text);
  const wanted = limit < 0n ? matches : matches.take(Number(limit));
  return CelList.of(Array.from(wanted, ({ start, end }) => text.slice(start, end)));
}

const matches = (text: string, regex: string): boolean => expressionOf(regex).test(text);

function expressionOf(pattern: string): Re2 {
  try {
    return re2(pattern);
  } catch (error) {
    if (error instanceof PatternError) throw new CelError(error.message);
    throw error;
  }
}

export const STRING_FUNCTIONS: readonly CelFunction[] = [
  define('contains', ['string.(string) -> bool', (text: string, part: string) => text.includes(part), product]),
  define('startsWith', [
    'string.(string) -> bool',
    (text: string, part: string) => text.startsWith(part),
    ([, part]) => Math.ceil(sizeOf(part) * 0.1),
  ]),
  define('endsWith', [
    'string.(string) -> bool',
    (text: string, part: string) => text.endsWith(part),
    ([, part]) => Math.ceil(sizeOf(part) * 0.1),
  ]),
  define('matches', ['(string, string) -> bool', matches, pattern], ['string.(string) -> bool', matches, pattern]),
  define('charAt', ['string.(int) -> string', charAt]),
  define('lowerAscii', [
    'string.() -> string',
    (text: string) => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase()),
    once,
  ]),
  define('upperAscii', [
    'string.() -> string',
    (text: string) => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase()),
    once,
  ]),
  define(
    'replace',
    ['string.(string, string) -> string', replace, twice],
    ['string.(string, string, int) -> string', replace, twice],
  ),
  define(
    'split',
    ['string.(string) -> list(string)', split, twice],
    ['string.(string, int) -> list(string)', split, twice],
  ),
  define('substring', ['string.(int) -> string', substring, once], ['string.(int, int) -> string', substring, once]),
  define('trim', ['string.() -> string', (text: string) => text.replaceAll(TRIM, ''), once]),
  define('format', [
    'string.(list(dyn)) -> string',
    (text: string, args: CelList) => formatText(text, [...args]),
    once,
  ]),
  define('strings.quote', ['(string) -> string', quote, once]),
  define(
    'join',
    ['list(string).() -> string', join, resultTwice],
    ['list(string).(string) -> string', join, resultTwice],
  ),
  define('find', [
    'string.(string) -> string',
    (text: string, regex: string) => expressionOf(regex).find(text) ?? '',
    pattern,
  ]),
  define(
    'findAll',
    ['string.(string) -> list(string)', findAll, pattern],
    ['string.(string, int) -> list(string)', findAll, pattern],
  ),
];

/** These two are functions of lists as well. */
export const STRING_INDEX: readonly Definition[] = [
  ['string.(string) -> int', indexOf, once],
  ['string.(string, int) -> int', indexOf, once],
];

export const STRING_LAST_INDEX: readonly Definition[] = [
  ['string.(string) -> int', lastIndexOf, once],
  ['string.(string, int) -> int', lastIndexOf, once],
];

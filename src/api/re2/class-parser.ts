import { CharSet, complement, PERL, POSIX, unicodeClass } from './char-set.ts';
import { readEscape } from './escape.ts';
import { PatternError } from './pattern-error.ts';

/** Something that was read, and where it ends in the pattern. */
export interface Read<T> {
  readonly value: T;
  readonly end: number;
}

interface Members {
  readonly ranges: readonly number[];
  readonly classes: readonly string[];
}

const ONLY = (ranges: readonly number[]): Members => ({ ranges, classes: [] });

/** A class in brackets, which begins at `start`. */
export function readClass(pattern: string, start: number, fold: boolean): Read<CharSet> {
  const ranges: number[] = [];
  const classes: string[] = [];
  const negated = pattern[start + 1] === '^';
  const first = negated ? start + 2 : start + 1;
  let at = first;
  // A bracket that comes first is one of the members.
  while (pattern[at] !== ']' || at === first) {
    const group = readPosix(pattern, at) ?? readNamedClass(pattern, at);
    if (group !== undefined) {
      ranges.push(...group.value.ranges);
      classes.push(...group.value.classes);
      at = group.end;
      continue;
    }
    const low = readMember(pattern, at, start);
    let high = low;
    if (pattern[low.end] === '-' && low.end + 1 < pattern.length && pattern[low.end + 1] !== ']') {
      high = readMember(pattern, low.end + 1, start);
      if (high.value < low.value) throw new PatternError('invalid character class range', pattern.slice(at, high.end));
    }
    ranges.push(low.value, high.value);
    at = high.end;
  }
  return { value: new CharSet({ ranges, classes }, { negated, fold }), end: at + 1 };
}

function readMember(pattern: string, at: number, start: number): Read<number> {
  if (at >= pattern.length) throw new PatternError('missing closing ]', pattern.slice(start));
  if (pattern[at] === '\\') return readEscape(pattern, at);
  const value = pattern.codePointAt(at) ?? 0;
  return { value, end: at + (value > 0xffff ? 2 : 1) };
}

/** `[:alpha:]` or `[:^alpha:]`; undefined where the bracket is a member like others. */
function readPosix(pattern: string, at: number): Read<Members> | undefined {
  if (!pattern.startsWith('[:', at)) return undefined;
  const close = pattern.indexOf(':]', at + 2);
  if (close === -1) return undefined;
  const [, not, name = ''] = /^(\^?)(.*)$/s.exec(pattern.slice(at + 2, close)) ?? [];
  const ranges = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined;
  if (ranges === undefined) throw new PatternError('invalid character class range', pattern.slice(at, close + 2));
  return { value: ONLY(not === '^' ? complement(ranges) : ranges), end: close + 2 };
}

/** `\d`, `\pL`, `\P{Greek}` and their like; undefined for other escapes. */
export function readNamedClass(pattern: string, at: number): Read<Members> | undefined {
  if (pattern[at] !== '\\') return undefined;
  const letter = pattern[at + 1] ?? '';
  const perl = Object.hasOwn(PERL, letter.toLowerCase()) ? PERL[letter.toLowerCase()] : undefined;
  if (perl !== undefined) {
    return { value: ONLY(letter === letter.toLowerCase() ? perl : complement(perl)), end: at + 2 };
  }
  return letter.toLowerCase() === 'p' ? readUnicodeClass(pattern, at) : undefined;
}

function readUnicodeClass(pattern: string, at: number): Read<Members> {
  const refused = (end?: number): PatternError =>
    new PatternError('invalid character class range', pattern.slice(at, end));
  let name = Array.from(pattern.slice(at + 2, at + 4))[0] ?? '';
  let end = at + 2 + name.length;
  if (name === '{') {
    const close = pattern.indexOf('}', at);
    if (close === -1) throw refused();
    name = pattern.slice(at + 3, close);
    end = close + 1;
  }
  const negated = (pattern[at + 1] === 'P') !== name.startsWith('^');
  const found = unicodeClass(name.replace(/^\^/, ''), negated);
  if (found === undefined) throw refused(end);
  return { value: { ranges: [], classes: [found] }, end };
}

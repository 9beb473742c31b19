/** Ranges of code points, and classes of Unicode with them. */
export interface CharRanges {
  /** Pairs: the first and the last of each range. */
  readonly ranges: readonly number[];
  /** As `\p{Lu}` and `\P{Lu}` say it in JavaScript. */
  readonly classes: readonly string[];
}

const LAST = 0x10ffff;
const ASCII = 128;

/** A set of characters. What is more than ranges is left to JavaScript, one character at a time, which cannot take long. */
export class CharSet {
  readonly #ranges: readonly number[];
  readonly #negated: boolean;
  readonly #one: RegExp | undefined;
  readonly #ascii: Uint8Array;

  constructor(
    { ranges, classes }: CharRanges,
    { negated, fold }: { readonly negated: boolean; readonly fold: boolean },
  ) {
    this.#ranges = ranges;
    this.#negated = negated;
    this.#one = classes.length > 0 || fold ? oneOf({ ranges, classes }, negated, fold) : undefined;
    this.#ascii = Uint8Array.from({ length: ASCII }, (_, code) => (this.#test(code) ? 1 : 0));
  }

  has(code: number): boolean {
    return code < ASCII ? this.#ascii[code] === 1 : this.#test(code);
  }

  #test(code: number): boolean {
    if (this.#one !== undefined) return this.#one.test(String.fromCodePoint(code));
    for (let i = 0; i < this.#ranges.length; i += 2) {
      if (code >= (this.#ranges[i] ?? 0) && code <= (this.#ranges[i + 1] ?? 0)) return !this.#negated;
    }
    return this.#negated;
  }
}

function oneOf({ ranges, classes }: CharRanges, negated: boolean, fold: boolean): RegExp {
  const parts = [...classes];
  for (let i = 0; i < ranges.length; i += 2) parts.push(`${escaped(ranges[i])}-${escaped(ranges[i + 1])}`);
  // With the flag v, a negation comes after the folding of cases, as in RE2.
  return new RegExp(`^[${negated ? '^' : ''}${parts.join('')}]$`, fold ? 'iv' : 'v');
}

function escaped(code: number = 0): string {
  return `\\u{${code.toString(16)}}`;
}

export const EVERY: readonly number[] = [0, LAST];
export const ALL_BUT_NEWLINE: readonly number[] = [0, 0x09, 0x0b, LAST];

/** All other characters. `ranges` are in order and apart. */
export function complement(ranges: readonly number[]): readonly number[] {
  const others: number[] = [];
  let next = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i] ?? 0;
    if (first > next) others.push(next, first - 1);
    next = (ranges[i + 1] ?? 0) + 1;
  }
  if (next <= LAST) others.push(next, LAST);
  return others;
}

const codes = (...pairs: readonly string[]): readonly number[] =>
  pairs.flatMap((pair) => [pair.codePointAt(0) ?? 0, pair.codePointAt(1) ?? 0]);

const SPACE = codes('\t\n', '\f\r', '  ');
const WORD = codes('09', 'AZ', '__', 'az');

/** `\d`, `\s` and `\w`: ASCII. */
export const PERL: Readonly<Record<string, readonly number[]>> = { d: codes('09'), s: SPACE, w: WORD };

/** `[:alpha:]` and its like. */
export const POSIX: Readonly<Record<string, readonly number[]>> = {
  alnum: codes('09', 'AZ', 'az'),
  alpha: codes('AZ', 'az'),
  ascii: [0, 0x7f],
  blank: codes('\t\t', '  '),
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit: codes('09'),
  graph: codes('!~'),
  lower: codes('az'),
  print: codes(' ~'),
  punct: codes('!/', ':@', '[`', '{~'),
  space: codes('\t\r', '  '),
  upper: codes('AZ'),
  word: WORD,
  xdigit: codes('09', 'AF', 'af'),
};

/** A category of one or two letters, or a script by its long name; undefined for others, which Go does not know. */
export function unicodeClass(name: string, negated: boolean): string | undefined {
  const property = negated ? 'P' : 'p';
  if (name === 'Any') return `\\${property}{Any}`;
  if (/^[CLMNPSZ][a-z]?$/.test(name)) return known(`\\${property}{${name}}`);
  return /^[A-Z][a-z]{2}/.test(name) ? known(`\\${property}{Script=${name}}`) : undefined;
}

/** Unassigned characters and cased letters are categories of JavaScript only. */
const NOT_IN_GO: ReadonlySet<string> = new Set(['Cn', 'LC']);

function known(source: string): string | undefined {
  if (NOT_IN_GO.has(/\{(.*)\}/.exec(source)?.[1] ?? '')) return undefined;
  try {
    return new RegExp(source, 'v').source;
  } catch {
    return undefined;
  }
}

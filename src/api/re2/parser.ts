import { ALL_BUT_NEWLINE, CharSet, EVERY } from './char-set.ts';
import { readClass, readNamedClass } from './class-parser.ts';
import { readEscape } from './escape.ts';
import { PatternError } from './pattern-error.ts';
import type { Assertion, Node, Pattern, Repeat } from './tree.ts';

interface Flags {
  readonly fold: boolean;
  readonly lines: boolean;
  readonly dotAll: boolean;
  readonly lazy: boolean;
}

/** A group that is open: the choices that are done, and the parts of the one that is being read. */
interface Group {
  readonly choices: Node[];
  parts: Node[];
  /** Those that hold again when the group is closed. */
  readonly flags: Flags;
  /** Undefined where nothing has to be remembered of it. */
  readonly index: number | undefined;
}

const NO_FLAGS: Flags = { fold: false, lines: false, dotAll: false, lazy: false };
const FLAG_NAMES: Readonly<Record<string, keyof Flags>> = { i: 'fold', m: 'lines', s: 'dotAll', U: 'lazy' };
const REPEATS: Readonly<Record<string, readonly [min: number, max: number] | undefined>> = {
  '*': [0, Infinity],
  '+': [1, Infinity],
  '?': [0, 1],
};
const MAX_REPEAT = 1000;
const MAX_DEPTH = 1000;

/** Go's syntax of regular expressions, errors included (regexp/syntax, parse.go). @throws PatternError */
export function parsePattern(pattern: string): Pattern {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #pattern: string;
  #at = 0;
  #flags = NO_FLAGS;
  #groups: Group[] = [];
  #group: Group = { choices: [], parts: [], flags: NO_FLAGS, index: undefined };
  readonly #names: string[] = [''];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): Pattern {
    // Where a repetition began that ends here: two of them in a row are an error.
    let repeated: number | undefined;
    while (this.#at < this.#pattern.length) {
      const start = this.#at;
      const isRepeat = this.#step(repeated);
      repeated = isRepeat ? start : undefined;
    }
    if (this.#groups.length > 0) throw new PatternError('missing closing )', this.#pattern);
    return { node: closed(this.#group), names: this.#names };
  }

  /** Reads one thing; true when it was a repetition. */
  #step(repeated: number | undefined): boolean {
    const letter = this.#pattern[this.#at] ?? '';
    const times = REPEATS[letter];
    if (times !== undefined) return this.#repeat(this.#at + 1, times, repeated);
    if (letter === '{') return this.#braces(repeated);
    this.#single(letter);
    return false;
  }

  #single(letter: string): void {
    switch (letter) {
      case '(':
        this.#open();
        break;
      case ')':
        this.#close();
        break;
      case '|':
        this.#at++;
        this.#group.choices.push(sequence(this.#group.parts));
        this.#group.parts = [];
        break;
      case '^':
        this.#assert(this.#flags.lines ? 'line-start' : 'text-start', 1);
        break;
      case '$':
        this.#assert(this.#flags.lines ? 'line-end' : 'text-end', 1);
        break;
      case '.':
        this.#add(setOf(this.#flags.dotAll ? EVERY : ALL_BUT_NEWLINE, false), this.#at + 1);
        break;
      case '[': {
        const { value, end } = readClass(this.#pattern, this.#at, this.#flags.fold);
        this.#add({ kind: 'set', set: value }, end);
        break;
      }
      case '\\':
        this.#escape();
        break;
      default:
        this.#literal(this.#at);
    }
  }

  #add(node: Node, end: number): void {
    this.#group.parts.push(node);
    this.#at = end;
  }

  #assert(assertion: Assertion, length: number): void {
    this.#add({ kind: 'assertion', assertion }, this.#at + length);
  }

  #literal(at: number): void {
    const code = this.#pattern.codePointAt(at) ?? 0;
    this.#character(code, at + (code > 0xffff ? 2 : 1));
  }

  #character(code: number, end: number): void {
    this.#add(setOf([code, code], this.#flags.fold), end);
  }

  #escape(): void {
    const letter = this.#pattern[this.#at + 1];
    const assertion = letter === undefined ? undefined : ESCAPED_ASSERTIONS[letter];
    if (assertion !== undefined) {
      this.#assert(assertion, 2);
      return;
    }
    if (letter === 'C') throw new PatternError('invalid escape sequence', '\\C');
    if (letter === 'Q') {
      this.#quoted();
      return;
    }
    const named = readNamedClass(this.#pattern, this.#at);
    if (named !== undefined) {
      const set = new CharSet(named.value, { negated: false, fold: this.#flags.fold });
      this.#add({ kind: 'set', set }, named.end);
      return;
    }
    const { value, end } = readEscape(this.#pattern, this.#at);
    this.#character(value, end);
  }

  /** `\Q`, text as it is, `\E` or the end. */
  #quoted(): void {
    const close = this.#pattern.indexOf('\\E', this.#at + 2);
    const end = close === -1 ? this.#pattern.length : close;
    this.#at += 2;
    while (this.#at < end) this.#literal(this.#at);
    if (close !== -1) this.#at = close + 2;
  }

  /** `{2}`, `{2,}`, `{2,5}`; any other brace is a character like others. */
  #braces(repeated: number | undefined): boolean {
    const [text, least = '', comma, most = ''] =
      /^\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}/.exec(this.#pattern.slice(this.#at)) ?? [];
    if (text === undefined) {
      this.#literal(this.#at);
      return false;
    }
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? Infinity : Number(most);
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || min > max) {
      throw new PatternError('invalid repeat count', text);
    }
    return this.#repeat(this.#at + text.length, [min, max], repeated);
  }

  #repeat(end: number, [min, max]: readonly [number, number], repeated: number | undefined): true {
    const start = this.#at;
    const isLazy = this.#pattern[end] === '?';
    this.#at = isLazy ? end + 1 : end;
    if (repeated !== undefined) {
      throw new PatternError('invalid nested repetition operator', this.#pattern.slice(repeated, this.#at));
    }
    const part = this.#group.parts.pop();
    const text = this.#pattern.slice(start, this.#at);
    if (part === undefined) throw new PatternError('missing argument to repetition operator', text);
    const node: Repeat = { kind: 'repeat', part, min, max, greedy: isLazy === this.#flags.lazy };
    if ((min >= 2 || (max >= 2 && max !== Infinity)) && !isBounded(node, MAX_REPEAT)) {
      throw new PatternError('invalid repeat count', text);
    }
    this.#group.parts.push(node);
    return true;
  }

  #open(): void {
    const rest = this.#pattern.slice(this.#at);
    const flags = this.#flags;
    let index: number | undefined;
    if (rest.startsWith('(?P<') || rest.startsWith('(?<')) {
      const name = groupName(rest);
      this.#at += rest.indexOf('>') + 1;
      index = this.#names.push(name) - 1;
    } else if (rest.startsWith('(?')) {
      if (!this.#readFlags(rest)) return;
    } else {
      this.#at++;
      index = this.#names.push('') - 1;
    }
    if (this.#groups.length >= MAX_DEPTH) throw new PatternError('expression nests too deeply', this.#pattern);
    this.#groups.push(this.#group);
    this.#group = { choices: [], parts: [], flags, index };
  }

  /** `(?i)`, which holds to the end of the group, or `(?i-s:`, which opens one: then true. */
  #readFlags(rest: string): boolean {
    const [text = '', on = '', minus, off = '', end] = /^\(\?([imsU]*)(?:(-)([imsU]*))?([:)])?/.exec(rest) ?? [];
    if (end === undefined || (minus !== undefined && off === '')) throw wrongFlags(rest, text);
    const changed: { -readonly [K in keyof Flags]: Flags[K] } = { ...this.#flags };
    for (const [letters, value] of [
      [on, true],
      [off, false],
    ] as const) {
      for (const letter of letters) {
        const name = FLAG_NAMES[letter];
        if (name !== undefined) changed[name] = value;
      }
    }
    this.#flags = changed;
    this.#at += text.length;
    return end === ':';
  }

  #close(): void {
    const outer = this.#groups.pop();
    if (outer === undefined) throw new PatternError('unexpected )', this.#pattern);
    const { index } = this.#group;
    const part = closed(this.#group);
    const node: Node = index === undefined ? part : { kind: 'group', index, part };
    this.#flags = this.#group.flags;
    this.#group = outer;
    this.#add(node, this.#at + 1);
  }
}

const ESCAPED_ASSERTIONS: Readonly<Record<string, Assertion | undefined>> = {
  A: 'text-start',
  z: 'text-end',
  b: 'word-boundary',
  B: 'no-word-boundary',
};

function setOf(ranges: readonly number[], fold: boolean): Node {
  return { kind: 'set', set: new CharSet({ ranges, classes: [] }, { negated: false, fold }) };
}

function sequence(parts: readonly Node[]): Node {
  const [only] = parts;
  if (only === undefined) return { kind: 'empty' };
  return parts.length === 1 ? only : { kind: 'sequence', parts };
}

function closed({ choices, parts }: Group): Node {
  const last = sequence(parts);
  return choices.length === 0 ? last : { kind: 'choice', parts: [...choices, last] };
}

/** Repetitions in one another must not come to more than `most`. */
function isBounded(node: Node, most: number): boolean {
  if (node.kind === 'sequence' || node.kind === 'choice') return node.parts.every((part) => isBounded(part, most));
  if (node.kind === 'group') return isBounded(node.part, most);
  if (node.kind !== 'repeat') return true;
  // `*` and `+` are not counted.
  if (node.max === Infinity && node.min <= 1) return isBounded(node.part, most);
  if (node.max === 0) return true;
  const times = node.max === Infinity ? node.min : node.max;
  return times <= most && isBounded(node.part, times > 0 ? Math.floor(most / times) : most);
}

/** Of `(?P<name>` or `(?<name>`. */
function groupName(rest: string): string {
  const end = rest.indexOf('>') + 1;
  const text = end === 0 ? rest : rest.slice(0, end);
  const name = /^\(\?P?<([0-9A-Za-z_]+)>$/.exec(text)?.[1];
  if (name !== undefined) return name;
  throw new PatternError('invalid named capture', text);
}

/** The text that it names ends with the first character that cannot stand there. */
function wrongFlags(rest: string, read: string): PatternError {
  const [next = ''] = /[:)]$/.test(read) ? '' : rest.slice(read.length);
  return new PatternError('invalid or unsupported Perl syntax', read + next);
}

import { CelUint } from './cel-value.ts';
import type { Issue } from './issues.ts';

export interface Token {
  readonly kind: 'ident' | 'literal' | 'symbol' | 'end';
  readonly text: string;
  readonly offset: number;
  readonly value?: bigint | number | string | Uint8Array | CelUint | undefined;
}

export class SyntaxIssue extends Error implements Issue {
  readonly offset: number;
  readonly text: string;

  constructor(offset: number, text: string) {
    super(text);
    this.offset = offset;
    this.text = text;
  }
}

const SPACE = /(?:[ \t\r\n\f]|\/\/[^\n]*)+/uy;
const IDENT = /[_a-zA-Z][_a-zA-Z0-9]*/uy;
const NUMBER =
  /0x[0-9a-fA-F]+u?|[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[uU]?/uy;
const STRING = /([rRbB]{0,2})("""|'''|"|')/uy;
const SYMBOL = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}]/uy;

const MAX_INT = 2n ** 63n;
const MAX_UINT = 2n ** 64n;

/** Cuts an expression into tokens. Offsets count code points. */
export class Lexer {
  readonly #text: string;
  readonly #offsets: (index: number) => number;
  readonly #issues: Issue[];
  #at = 0;

  constructor(text: string, issues: Issue[]) {
    this.#text = text;
    this.#issues = issues;
    // Only text beyond the first plane has offsets that differ from indexes.
    const isWide = /[\u{10000}-\u{10FFFF}]/u.test(text);
    this.#offsets = isWide ? (index) => Array.from(text.slice(0, index)).length : (index) => index;
  }

  tokens(): Token[] {
    const found: Token[] = [];
    for (;;) {
      this.#match(SPACE);
      const token = this.#next();
      if (token === undefined) continue;
      found.push(token);
      if (token.kind === 'end') return found;
    }
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  /** Undefined for characters that are no token. */
  #next(): Token | undefined {
    const start = this.#at;
    const offset = this.#offsets(start);
    if (start >= this.#text.length) return { kind: 'end', text: '<EOF>', offset };
    const quoted = this.#match(STRING);
    if (quoted !== undefined) return this.#string(quoted, start, offset);
    const number = this.#match(NUMBER);
    if (number !== undefined) return { kind: 'literal', text: number[0], offset, value: numberOf(number[0], offset) };
    const ident = this.#match(IDENT);
    if (ident !== undefined) return { kind: 'ident', text: ident[0], offset };
    const symbol = this.#match(SYMBOL);
    if (symbol !== undefined) return { kind: 'symbol', text: symbol[0], offset };
    const [unknown = ''] = /^(?:[=&|][\s\S]?|[\s\S])/u.exec(this.#text.slice(start)) ?? [];
    this.#at += unknown.length;
    this.#unrecognized(offset, unknown);
    return undefined;
  }

  #unrecognized(offset: number, text: string): void {
    this.#issues.push({ offset, text: `Syntax error: token recognition error at: '${text}'` });
  }

  #string([, prefix = '', quote = '']: RegExpExecArray, start: number, offset: number): Token | undefined {
    const flags = prefix.toLowerCase();
    const isRaw = flags.includes('r');
    let end = this.#at;
    while (!this.#text.startsWith(quote, end)) {
      const character = this.#text[end];
      if (character === undefined || (quote.length === 1 && (character === '\n' || character === '\r'))) {
        this.#unrecognized(offset, this.#text.slice(start, end));
        this.#at = end;
        return undefined;
      }
      end += character === '\\' && !isRaw ? 2 : 1;
    }
    const body = this.#text.slice(this.#at, end);
    this.#at = end + quote.length;
    const text = this.#text.slice(start, this.#at);
    const value = flags.includes('b') ? bytesOf(body, isRaw, offset) : textOf(body, isRaw, offset);
    return { kind: 'literal', text, offset, value };
  }
}

function numberOf(text: string, offset: number): bigint | number | CelUint {
  const isHex = text.startsWith('0x');
  if (!isHex && /[.eE]/.test(text)) return Number(text);
  if (/u$/i.test(text)) {
    const value = BigInt(text.slice(0, -1));
    if (value >= MAX_UINT) throw new SyntaxIssue(offset, 'invalid uint literal');
    return new CelUint(value);
  }
  const value = BigInt(text);
  // The sign comes later: the least number of all is one further from zero than the greatest.
  if (value > MAX_INT) throw new SyntaxIssue(offset, 'invalid int literal');
  return value;
}

const ESCAPE =
  /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))/g;
const SIMPLE: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};

function codeOf(groups: readonly (string | undefined)[]): number | undefined {
  const [, x, X, u, U, octal] = groups;
  const hex = x ?? X ?? u ?? U;
  if (hex !== undefined) return Number.parseInt(hex, 16);
  return octal === undefined ? undefined : Number.parseInt(octal, 8);
}

function textOf(body: string, isRaw: boolean, offset: number): string {
  if (isRaw) return body;
  return body.replaceAll(ESCAPE, (...groups: string[]) => {
    const code = codeOf(groups);
    if (code !== undefined) return String.fromCodePoint(code);
    const plain = SIMPLE[groups[6] ?? ''];
    if (plain === undefined) throw new SyntaxIssue(offset, 'unable to unescape string');
    return plain;
  });
}

function bytesOf(body: string, isRaw: boolean, offset: number): Uint8Array {
  if (isRaw) return Buffer.from(body);
  const parts: Buffer[] = [];
  let last = 0;
  for (const match of body.matchAll(ESCAPE)) {
    parts.push(Buffer.from(body.slice(last, match.index)));
    const code = codeOf(match);
    const plain = SIMPLE[match[6] ?? ''];
    if (code === undefined && plain === undefined) throw new SyntaxIssue(offset, 'unable to unescape string');
    parts.push(code === undefined ? Buffer.from(plain ?? '') : Buffer.from([code]));
    last = match.index + match[0].length;
  }
  parts.push(Buffer.from(body.slice(last)));
  return Buffer.concat(parts);
}

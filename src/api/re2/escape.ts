import { PatternError } from './pattern-error.ts';

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const LAST = 0x10ffff;

/** The one character that a backslash at `at` and what follows it mean. */
export function readEscape(pattern: string, at: number): { readonly value: number; readonly end: number } {
  const letter = pattern[at + 1];
  if (letter === undefined) throw new PatternError('trailing backslash at end of expression', '');
  const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(pattern.slice(at, at + 4));
  if (octal !== null) return { value: Number.parseInt(octal[1] ?? '', 8), end: at + octal[0].length };
  if (letter === 'x') return readHex(pattern, at);
  const control = CONTROL[letter];
  if (control !== undefined) return { value: control, end: at + 2 };
  const code = pattern.codePointAt(at + 1) ?? 0;
  const end = at + (code > 0xffff ? 3 : 2);
  if (code < 128 && !/[0-9A-Za-z]/.test(letter)) return { value: code, end };
  throw new PatternError('invalid escape sequence', pattern.slice(at, end));
}

/** `\x41` or `\x{1F600}`. What is wrong with another ends where it stops to be one. */
function readHex(pattern: string, at: number): { readonly value: number; readonly end: number } {
  const rest = pattern.slice(at);
  const [found, short, long] = /^\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\})/.exec(rest) ?? [];
  const value = Number.parseInt(short ?? long ?? '', 16);
  if (found !== undefined && value <= LAST) return { value, end: at + found.length };
  throw new PatternError('invalid escape sequence', wrongHex(rest));
}

function wrongHex(rest: string): string {
  const braced = /^\\x\{[0-9a-fA-F]*/.exec(rest)?.[0];
  if (braced === undefined) return Array.from(rest).slice(0, 4).join('');
  for (let end = 4; end <= braced.length; end++) {
    if (Number.parseInt(braced.slice(3, end), 16) > LAST) return braced.slice(0, end);
  }
  return Array.from(rest.slice(0, braced.length + 2))
    .slice(0, braced.length + 1)
    .join('');
}

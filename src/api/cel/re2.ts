import { CelError } from './cel-error.ts';
import { re2Problem } from './re2-problem.ts';

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** What stands for itself in RE2 after a backslash, and is refused there by JavaScript with the flag u. */
const PLAIN_ESCAPES = /^[!"#%&',:;<=>@_`~ -]$/;

/** Beyond these, which only RE2 has not, a pattern is one for JavaScript too. */
const FOREIGN = /\\[1-9]|\\k<|\(\?<?[=!]|\(\?<(?![A-Za-z_])/;

/** A pattern of RE2, the syntax of Go, as one of JavaScript with the flag u; throws a SyntaxError for what neither has. */
export function translateRe2(pattern: string): { readonly source: string; readonly flags: string } {
  const problem = re2Problem(pattern);
  if (problem !== undefined) throw new SyntaxError(problem);
  if (FOREIGN.test(pattern.replaceAll('\\\\', ''))) throw new SyntaxError('invalid or unsupported Perl syntax');
  let flags = '';
  let rest = pattern;
  const leading = /^\(\?([imsU]+)\)/.exec(rest);
  if (leading !== null) {
    flags = (leading[1] ?? '').replace('U', '');
    rest = rest.slice(leading[0].length);
  }
  return { source: translated(rest), flags };
}

const TOKEN =
  /\\(?:x\{[0-9a-fA-F]+\}|p[LMNPSZC]|P[LMNPSZC]|Q[\s\S]*?(?:\\E|$)|[\s\S])|\(\?P<|\[:\^?[a-z]+:\]|[[\]{}-]|[^\\([\]{}-]+|[\s\S]/g;

function translated(pattern: string): string {
  let inClass = false;
  let source = '';
  for (const [token] of pattern.matchAll(TOKEN)) {
    if (token.startsWith('\\')) source += escaped(token, inClass);
    else if (token === '(?P<') source += '(?<';
    else if (inClass && token.startsWith('[:')) source += posix(token);
    else if (token === '[') {
      source += inClass ? '\\[' : '[';
      inClass = true;
    } else if (token === ']') {
      // First in a class it is one of its characters.
      const isFirst = inClass && /(^|[^\\])\[\^?$/.test(source);
      source += isFirst || !inClass ? '\\]' : ']';
      if (!isFirst) inClass = false;
    } else source += token;
  }
  return braces(source);
}

function escaped(token: string, inClass: boolean): string {
  const body = token.slice(1);
  if (body.startsWith('x{')) return `\\u${body.slice(1)}`;
  if (/^[pP][LMNPSZC]$/.test(body)) return `\\${body[0] ?? ''}{${body[1] ?? ''}}`;
  if (body.startsWith('Q'))
    return body
      .slice(1)
      .replace(/\\E$/, '')
      .replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  if (body === 'A') return '^';
  if (body === 'z') return '$';
  if (body === 'a') return '\\x07';
  if (body === '-' && inClass) return '\\-';
  return PLAIN_ESCAPES.test(body) ? body : token;
}

function posix(token: string): string {
  const [, not = '', name = ''] = /^\[:(\^?)([a-z]+):\]$/.exec(token) ?? [];
  const set = POSIX[name];
  if (set === undefined || not !== '') throw new SyntaxError(`invalid character class range: \`${token}\``);
  return set;
}

/** A brace that is no repetition stands for itself in RE2. */
function braces(source: string): string {
  return source.replaceAll(/\\[pPu]\{[^}]*\}|\\[\s\S]|\{\d+(?:,\d*)?\}|[{}]/g, (part) =>
    part === '{' || part === '}' ? `\\${part}` : part,
  );
}

const compiled = new Map<string, RegExp>();
/** Patterns are few, those that expressions put together may be many. */
const MAX_COMPILED = 1_000;

/** A pattern of RE2 ready to be used; throws a CelError for what is none. */
export function regexOf(pattern: string, extra: '' | 'g' = ''): RegExp {
  const key = `${extra}/${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) {
    known.lastIndex = 0;
    return known;
  }
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  try {
    const { source, flags } = translateRe2(pattern);
    const made = new RegExp(source, `u${flags}${extra}`);
    compiled.set(key, made);
    return made;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CelError(`error parsing regexp: ${error.message.replace(/^Invalid regular expression: /, '')}`);
  }
}

import { corefileError, type Place } from './place.ts';

/** A word, or a brace that stands by itself. `quoted` ones are never braces. */
export interface Token extends Place {
  readonly text: string;
  readonly quoted: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Words between spaces; `"` around them keeps spaces in, `#` begins a comment where a word could, `{$NAME}` is a variable. */
export function tokenize(source: string, file: string, env: Environment): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < source.length) {
    const character = source[at] ?? '';
    if (character === '\n') line++;
    if (/\s/.test(character)) at++;
    else if (character === '#') at = lineEnd(source, at);
    else {
      const start = { file, line };
      const word = character === '"' ? quotedWord(source, at, start) : plainWord(source, at);
      line += word.lines;
      at = word.end;
      tokens.push({ ...start, text: substitute(word.text, env), quoted: character === '"' });
    }
  }
  return tokens;
}

interface Word {
  readonly text: string;
  readonly end: number;
  readonly lines: number;
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at);
  return end === -1 ? source.length : end;
}

function plainWord(source: string, at: number): Word {
  let end = at;
  while (end < source.length && !/\s/.test(source[end] ?? '')) end++;
  return { text: source.slice(at, end), end, lines: 0 };
}

/** `\"` is a quotation mark; every other backslash is itself, as regular expressions need them. */
function quotedWord(source: string, at: number, place: Place): Word {
  let text = '';
  let lines = 0;
  for (let i = at + 1; i < source.length; i++) {
    const character = source[i] ?? '';
    if (character === '"') return { text, end: i + 1, lines };
    if (character === '\n') lines++;
    if (character === '\\' && source[i + 1] === '"') i++;
    text += source[i] ?? '';
  }
  throw corefileError(place, 'a quotation mark is never closed', 'close it');
}

function substitute(text: string, env: Environment): string {
  return text.replaceAll(/\{\$([^}]*)\}|\{%([^%]*)%\}/g, (_, unix: string | undefined, windows: string | undefined) => {
    return env[unix ?? windows ?? ''] ?? '';
  });
}

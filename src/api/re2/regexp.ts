import { Matcher, type Match } from './matcher.ts';
import { parsePattern } from './parser.ts';
import { compileNode } from './program.ts';

/** A regular expression as Go's regexp package understands it. No text takes it longer than in proportion to its length. */
export class Re2 {
  readonly #matcher: Matcher;

  /** @throws PatternError */
  constructor(pattern: string) {
    this.#matcher = new Matcher(compileNode(parsePattern(pattern), pattern));
  }

  /** Whether it matches anywhere. */
  test(text: string): boolean {
    return this.#matcher.find(text, 0, true) !== undefined;
  }

  find(text: string): string | undefined {
    const match = this.#matcher.find(text, 0);
    return match && text.slice(match.start, match.end);
  }

  /** One after the other, without an empty one right after another. */
  *findAll(text: string): Generator<Match> {
    let before = -1;
    for (let from = 0; from <= text.length;) {
      const match = this.#matcher.find(text, from);
      if (match === undefined) return;
      if (match.end > match.start || match.start !== before) yield match;
      before = match.end;
      from = match.end > from ? match.end : from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1);
    }
  }
}

const compiled = new Map<string, Re2>();
/** Patterns are few, those that expressions put together may be many. */
const MAX_COMPILED = 1_000;

/** The same one for the same pattern. @throws PatternError */
export function re2(pattern: string): Re2 {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  const made = new Re2(pattern);
  compiled.set(pattern, made);
  return made;
}

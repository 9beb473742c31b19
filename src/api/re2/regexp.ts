import { groupSlots } from './group-matcher.ts';
import { Matcher, type Match } from './matcher.ts';
import { parsePattern } from './parser.ts';
import { compileNode, type Instruction } from './program.ts';
import type { Pattern } from './tree.ts';

/** A regular expression as Go's regexp package understands it. No text takes it longer than in proportion to its length. */
export class Re2 {
  readonly source: string;
  readonly #pattern: Pattern;
  readonly #matcher: Matcher;
  /** Made when groups are asked for. */
  #saving: readonly Instruction[] | undefined;

  /** @throws PatternError */
  constructor(source: string) {
    this.source = source;
    this.#pattern = parsePattern(source);
    this.#matcher = new Matcher(compileNode(this.#pattern.node, { pattern: source, savesGroups: false }));
  }

  /** Of the groups, the whole first, which has none; empty for those without. */
  get names(): readonly string[] {
    return this.#pattern.names;
  }

  /** Whether it matches anywhere. */
  test(text: string): boolean {
    return this.#matcher.find(text, 0, true) !== undefined;
  }

  find(text: string): string | undefined {
    const match = this.#matcher.find(text, 0);
    return match && text.slice(match.start, match.end);
  }

  /** The first match and its groups, which are empty where they are no part of it. @throws PatternError */
  groups(text: string): readonly string[] | undefined {
    const match = this.#matcher.find(text, 0);
    if (match === undefined) return undefined;
    const { node, names } = this.#pattern;
    const whole = text.slice(match.start, match.end);
    if (names.length === 1) return [whole];
    this.#saving ??= compileNode(node, { pattern: this.source, savesGroups: true });
    const slots = groupSlots(this.#saving, names.length, text, match.start);
    return names.map((_, i) => {
      const begin = slots[2 * i] ?? -1;
      return i === 0 ? whole : begin === -1 ? '' : text.slice(begin, slots[2 * i + 1]);
    });
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

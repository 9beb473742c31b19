import type { Re2 } from '#api/re2/regexp.ts';
import type { AnswerRewrite, RewriteRule } from './corefile/server-config.ts';

/** A name of an answer as it has to be given, in text with a dot at the end. */
export type NameChange = (name: string) => string;

export interface Rewritten {
  readonly name: string;
  /** For the owners of records, and for the names that records lead to. */
  readonly owner: NameChange;
  readonly value: NameChange;
}

/** What the first rule that fits makes of a name (and those after it that may go on); undefined when none does. Pure. */
export function rewriteName(rules: readonly RewriteRule[], asked: string): Rewritten | undefined {
  let name = asked;
  const owners: NameChange[] = [];
  const values: NameChange[] = [];
  let changed = false;
  for (const rule of rules) {
    const next = applied(rule, name);
    if (next === undefined) continue;
    for (const answer of rule.answers) {
      const change = answerChange(rule, answer, name, next);
      if (answer.kind !== 'value') owners.push(change);
      if (answer.kind !== 'name') values.push(change);
    }
    name = next;
    changed = true;
    if (!rule.onwards) break;
  }
  if (!changed) return undefined;
  const through = (changes: readonly NameChange[]): NameChange => {
    // What was done last is undone first.
    const undoing = changes.toReversed();
    return (text) => undoing.reduce((current, change) => change(current), text);
  };
  return { name, owner: through(owners), value: through(values) };
}

function applied({ from, to }: RewriteRule, name: string): string | undefined {
  switch (from.kind) {
    case 'exact':
      return name === from.text ? to : undefined;
    case 'prefix':
      return name.startsWith(from.text) ? to + name.slice(from.text.length) : undefined;
    case 'suffix':
      return name.endsWith(from.text) ? name.slice(0, -from.text.length) + to : undefined;
    case 'substring':
      return name.includes(from.text) ? name.replaceAll(from.text, to) : undefined;
    case 'regex':
      return substituted(from.pattern, to, name);
  }
}

function substituted(pattern: Re2, to: string, text: string): string | undefined {
  const groups = pattern.groups(text);
  return groups === undefined ? undefined : to.replaceAll(/\{(\d+)\}/g, (whole, n) => groups[Number(n)] ?? whole);
}

function answerChange(rule: RewriteRule, answer: AnswerRewrite, before: string, after: string): NameChange {
  if (answer.kind !== 'auto') return (text) => substituted(answer.pattern, answer.to, text) ?? text;
  if (rule.from.kind !== 'suffix') {
    return (text) => {
      const lower = text.toLowerCase();
      if (lower === after) return before;
      return lower.endsWith(`.${after}`) ? text.slice(0, -after.length) + before : text;
    };
  }
  const { text: suffix } = rule.from;
  return (text) => (text.toLowerCase().endsWith(rule.to) ? text.slice(0, -rule.to.length) + suffix : text);
}

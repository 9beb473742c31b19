import type { Directive, Line } from './corefile.ts';
import { regularExpression } from './regular-expression.ts';
import { corefileError, type Place } from './place.ts';
import type { AnswerRewrite, NameMatch, RewriteRule } from './server-config.ts';

/** `rewrite [continue|stop] name [KIND] FROM TO [answer ...]`, on one line or with the answers in braces. */
export function readRewrites(directive: Directive): readonly RewriteRule[] {
  if (directive.args.length === 0) {
    return (directive.block ?? []).map((line) => readRule(line, [line.name, ...line.args]));
  }
  const { args, block = [] } = directive;
  const stand = args[0] === 'stop' || args[0] === 'continue' ? args[0] : undefined;
  // rewrite stop { name regex ... / answer name ... }: one rule on several lines.
  return [readRule(directive, [...args, ...(stand !== undefined || block.length > 0 ? words(block) : [])])];
}

const words = (block: readonly Line[]): readonly string[] => block.flatMap(({ name, args }) => [name, ...args]);

function readRule(place: Place, given: readonly string[]): RewriteRule {
  const [mode] = given;
  const [field, ...args] = mode === 'stop' || mode === 'continue' ? given.slice(1) : given;
  if (field !== 'name') {
    throw corefileError(place, `rewrite of "${field ?? ''}" is not supported: it rewrites names only`);
  }
  const at = args.length === 2 ? args.length : 3;
  const [kind = '', from = '', to = ''] = args.length === 2 ? ['exact', ...args] : args;
  if (to === '') throw corefileError(place, 'rewrite name needs a name to look for and one to put there');
  const answers = readAnswers(place, args.slice(at));
  const match = matchOf(place, kind, from);
  // A whole name is put back by itself, as CoreDNS does.
  const auto = match.kind === 'exact' && answers.every((answer) => answer.kind !== 'auto');
  return Object.freeze({
    from: match,
    to: isPart(match) ? to.toLowerCase() : closed(to.toLowerCase()),
    onwards: mode === 'continue',
    answers: auto ? [{ kind: 'auto' } as const, ...answers] : answers,
  });
}

function matchOf(place: Place, kind: string, from: string): NameMatch {
  switch (kind) {
    case 'exact':
    case 'suffix':
      return { kind, text: closed(from.toLowerCase()) };
    case 'prefix':
    case 'substring':
      return { kind, text: from.toLowerCase() };
    case 'regex':
      return { kind, pattern: regularExpression(place, from) };
    default:
      throw corefileError(place, `"${kind}" is no way to match a name: exact, prefix, suffix, substring, regex are`);
  }
}

/** Something in front or in the middle of a name, which has its dot only where it is said. */
function isPart(match: NameMatch): boolean {
  return (match.kind === 'prefix' || match.kind === 'substring') && !match.text.endsWith('.');
}

const closed = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

function readAnswers(place: Place, args: readonly string[]): readonly AnswerRewrite[] {
  const answers: AnswerRewrite[] = [];
  let kind: string | undefined;
  let i = 0;
  while (i < args.length) {
    if (args[i] === 'answer') {
      kind = args[i + 1];
      i += 2;
    } else if (kind !== 'name' && kind !== 'value') {
      throw corefileError(place, `"${args[i]}" is one word too many`);
    }
    if (kind === 'auto') {
      answers.push({ kind });
      continue;
    }
    if (kind !== 'name' && kind !== 'value') {
      throw corefileError(place, `answer cannot be "${kind ?? ''}": it is auto, name or value`);
    }
    const [from, to] = [args[i], args[i + 1]];
    if (from === undefined || to === undefined) throw corefileError(place, `answer ${kind} needs two names`);
    answers.push({ kind, pattern: regularExpression(place, from), to: closed(to.toLowerCase()) });
    i += 2;
  }
  return answers;
}

import { PatternError } from '../re2/pattern-error.ts';
import { re2 } from '../re2/regexp.ts';
import { CelError } from './cel-error.ts';
import type { Resolved } from './checking.ts';
import type { Call } from './expression.ts';
import type { Issue } from './issues.ts';
import { parseDuration, parseTimestamp } from './time-text.ts';

const isText = (value: unknown): value is string => typeof value === 'string';

function isPattern(value: unknown): boolean {
  try {
    return !isText(value) || re2(value) !== undefined;
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}

/** Which argument of a function can be checked before it runs, when it is written out. */
const CHECKS: Readonly<Record<string, readonly [number, (value: unknown) => boolean]>> = {
  duration: [0, (value) => !isText(value) || parseDuration(value) !== undefined],
  timestamp: [0, (value) => !isText(value) || parseTimestamp(value) !== undefined],
  matches: [1, isPattern],
};

/** These are worked out once, before anything is asked, when what they convert is written out. */
const CONVERSIONS: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'string',
  'timestamp',
  'uint',
]);

/** What a conversion of something written out fails with; undefined where there is none that fails. */
export function failingConversion(calls: ReadonlyMap<Call, Resolved>): string | undefined {
  for (const [{ name }, { args, overloads }] of calls) {
    const [arg] = args;
    if (!CONVERSIONS.has(name) || args.length !== 1 || arg?.kind !== 'literal') continue;
    try {
      overloads[0]?.apply([arg.value]);
    } catch (error) {
      if (error instanceof CelError) return error.message;
      throw error;
    }
  }
  return undefined;
}

export function checkLiterals(calls: ReadonlyMap<Call, Resolved>): Issue[] {
  const issues: Issue[] = [];
  for (const [{ name }, { args }] of calls) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
    const arg = check === undefined ? undefined : args[check[0]];
    if (check === undefined || arg?.kind !== 'literal' || check[1](arg.value)) continue;
    issues.push({ offset: arg.offset, text: `invalid ${name} argument` });
  }
  return issues;
}

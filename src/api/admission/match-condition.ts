import { CelError, CostError } from '../cel/cel-error.ts';
import { type CelType, DYN, typeText } from '../cel/cel-type.ts';
import { celOfJson } from '../cel/json-value.ts';
import { CostMeter } from '../cel/plan.ts';
import { type Compiled, compile } from '../cel/program.ts';
import { duplicate, type FieldError, invalid, required, tooMany } from '../field-error.ts';
import type { MatchCondition } from '../generated/types.ts';
import { checkQualifiedName } from '../names.ts';

/** What the expressions know of a request. */
export interface ConditionInput {
  readonly object: unknown;
  readonly oldObject: unknown;
  /** An `AdmissionRequest`, without the objects. */
  readonly request: unknown;
  /** Given where a policy has params, even if there are none. */
  readonly params?: unknown;
}

export type Verdict =
  | { readonly kind: 'matches' }
  | { readonly kind: 'differs' }
  | { readonly kind: 'failed'; readonly why: string };

const MAX_CONDITIONS = 64;
/** What all conditions of one webhook may take together, in the units of Kubernetes. */
const COST_LIMIT = 2_500_000;
const VARIABLES: ReadonlyMap<string, CelType> = new Map([
  ['object', DYN],
  ['oldObject', DYN],
  ['request', DYN],
]);

const VARIABLES_WITH_PARAMS: ReadonlyMap<string, CelType> = new Map([...VARIABLES, ['params', DYN]]);

export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  field: string,
  hasParams: boolean = false,
): FieldError[] {
  if (conditions.length > MAX_CONDITIONS) return [tooMany(field, conditions.length, MAX_CONDITIONS)];
  const seen = new Set<string>();
  return conditions.flatMap(({ name = '', expression = '' }, i) => {
    const at = `${field}[${i}]`;
    const errors = expressionErrors(expression, `${at}.expression`, hasParams);
    if (name === '') errors.push(required(`${at}.name`));
    else {
      errors.push(...checkQualifiedName(name).map((why) => invalid(`${at}.name`, name, why)));
      if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
      seen.add(name);
    }
    return errors;
  });
}

function expressionErrors(expression: string, field: string, hasParams: boolean): FieldError[] {
  if (expression.trim() === '') return [required(field)];
  const compiled = compiledOf(expression, hasParams);
  if (compiled.kind !== 'ok') return [invalid(field, expression, `compilation failed: ${compiled.text}`)];
  const { type } = compiled.program;
  if (type.kind === 'bool') return [];
  return [invalid(field, expression, `must evaluate to bool but got ${typeText(type)}`)];
}

/** One that is false decides; else one that fails; else all are true. */
export function evaluateConditions(conditions: readonly MatchCondition[], input: ConditionInput): Verdict {
  const hasParams = Object.hasOwn(input, 'params');
  const values = [input.object, input.oldObject, input.request, input.params].map(celOfJson);
  const meter = new CostMeter(COST_LIMIT);
  const failures: string[] = [];
  for (const { expression } of conditions) {
    const outcome = evaluate(compiledOf(expression, hasParams), values, meter);
    if (outcome === false) return { kind: 'differs' };
    if (outcome !== true) failures.push(`expression '${expression}' resulted in error: ${outcome}`);
  }
  const [first] = failures;
  if (first === undefined) return { kind: 'matches' };
  return { kind: 'failed', why: failures.length === 1 ? first : `[${failures.join(', ')}]` };
}

function evaluate(
  compiled: Compiled,
  values: Parameters<Extract<Compiled, { kind: 'ok' }>['program']['run']>[0],
  meter: CostMeter,
): boolean | string {
  if (compiled.kind !== 'ok') return compiled.text;
  try {
    const value = compiled.program.run(values, meter);
    return typeof value === 'boolean' ? value : 'cel expression did not evaluate to bool';
  } catch (error) {
    if (error instanceof CelError || error instanceof CostError) return error.message;
    throw error;
  }
}

const known = new Map<string, Compiled>();
const MAX_KNOWN = 1_000;

function compiledOf(expression: string, hasParams: boolean): Compiled {
  const key = `${hasParams} ${expression}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const compiled = compile(expression, hasParams ? VARIABLES_WITH_PARAMS : VARIABLES);
  known.set(key, compiled);
  return compiled;
}

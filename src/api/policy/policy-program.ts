import { CelError, CostError } from '../cel/cel-error.ts';
import * as types from '../cel/cel-type.ts';
import type { CelType } from '../cel/cel-type.ts';
import { CelObject, type CelValue } from '../cel/cel-value.ts';
import { celOfJson } from '../cel/json-value.ts';
import { CostMeter } from '../cel/plan.ts';
import { type Compiled, compile } from '../cel/program.ts';
import type { ValidatingAdmissionPolicySpec, Validation } from '../generated/types.ts';
import { celOfTyped, NAMESPACE_TYPE, REQUEST_TYPE } from './policy-types.ts';

/** What policies are asked about, as JSON; `undefined` is null to them. */
export interface PolicyInput {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: unknown;
  readonly namespaceObject: unknown;
  readonly params: unknown;
}

/** What one validation refuses, or that it could not be told. */
export interface Refusal {
  readonly message: string;
  /** A reason of Status; absent where the expression failed. */
  readonly reason?: string | undefined;
}

/** What all expressions of a policy may take for one object and one param, and each by itself. */
const COST_LIMIT = 10_000_000;
const CALL_LIMIT = 1_000_000;
const MAX_MESSAGE_BYTES = 5 * 1024;
const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

export const BASE_VARIABLES: readonly (readonly [string, CelType])[] = [
  ['object', types.DYN],
  ['oldObject', types.DYN],
  ['request', REQUEST_TYPE],
  ['namespaceObject', NAMESPACE_TYPE],
];

type Scope = ReadonlyMap<string, CelType>;

/** The expressions of a policy, which see its variables by the types that these have. */
export class PolicyPrograms {
  readonly scope: Scope;
  readonly #fields = new Map<string, CelType>();
  readonly #variables = new Map<string, Compiled>();
  readonly #variablesType: CelType;

  /** `base` may say more of the objects than that they are some. */
  constructor(
    { variables = [], paramKind }: Pick<ValidatingAdmissionPolicySpec, 'variables' | 'paramKind'>,
    base: readonly (readonly [string, CelType])[] = BASE_VARIABLES,
    params: CelType = types.DYN,
  ) {
    this.#variablesType = types.objectType('kubernetes.variables', this.#fields);
    const named = variables.length === 0 ? [] : [['variables', this.#variablesType] as const];
    this.scope = new Map([...base, ...(paramKind === undefined ? [] : [['params', params] as const]), ...named]);
    for (const { name = '', expression = '' } of variables) {
      const compiled = compile(expression, this.scope);
      this.#variables.set(name, compiled);
      // What is wrong with it is said of itself, not of all that uses it.
      this.#fields.set(name, compiled.kind === 'ok' ? compiled.program.type : types.DYN);
    }
  }

  variable(name: string): Compiled | undefined {
    return this.#variables.get(name);
  }

  compile(expression: string): Compiled {
    return compile(expression, this.scope);
  }

  /** One evaluation of all expressions. */
  evaluation(input: PolicyInput): Evaluation {
    return new Evaluation(this.scope, this.#variables, this.#variablesType, input);
  }
}

type Outcome =
  | { readonly kind: 'value'; readonly value: CelValue }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'broke' };

class Evaluation {
  readonly #values: (CelValue | undefined)[];
  /** Of the policy's variables. */
  readonly #known = new Map<string, CelValue>();
  #left = COST_LIMIT;

  constructor(scope: Scope, variables: ReadonlyMap<string, Compiled>, type: CelType, input: PolicyInput) {
    const given: Readonly<Record<string, CelValue>> = {
      object: celOfJson(input.object),
      oldObject: celOfJson(input.oldObject),
      request: celOfTyped(input.request, REQUEST_TYPE),
      namespaceObject: celOfTyped(input.namespaceObject, NAMESPACE_TYPE),
      params: celOfJson(input.params),
      variables: new CelObject(type, {}, (name) => this.#variable(name, variables)),
    };
    this.#values = [...scope.keys()].map((name) => given[name]);
  }

  /** Evaluated when it is looked at for the first time. */
  #variable(name: string, variables: ReadonlyMap<string, Compiled>): CelValue | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const compiled = variables.get(name);
    if (compiled === undefined) return undefined;
    const failed = (how: string, why: string): CelError =>
      new CelError(`composited variable ${JSON.stringify(name)} fails to ${how}: ${why}`);
    if (compiled.kind !== 'ok') throw failed('compile', compiled.text);
    const meter = new CostMeter(CALL_LIMIT);
    try {
      const value = compiled.program.run(this.#values, meter);
      this.#known.set(name, value);
      return value;
    } catch (error) {
      if (error instanceof CelError || error instanceof CostError) throw failed('evaluate', error.message);
      throw error;
    } finally {
      this.#left -= meter.used;
    }
  }

  run(compiled: Compiled, expression: string): Outcome {
    if (compiled.kind !== 'ok') return { kind: 'failed', why: `compilation error: ${compiled.text}` };
    const meter = new CostMeter(CALL_LIMIT);
    const spend = (): boolean => {
      this.#left -= meter.used;
      return this.#left < 0;
    };
    try {
      const value = compiled.program.run(this.#values, meter);
      return spend() ? { kind: 'broke' } : { kind: 'value', value };
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CostError)) throw error;
      if (spend()) return { kind: 'broke' };
      return { kind: 'failed', why: `expression '${expression}' resulted in error: ${error.message}` };
    }
  }
}

interface CompiledValidation {
  readonly source: Validation;
  readonly program: Compiled;
  readonly message: Compiled | undefined;
}

/** A policy ready to be asked. */
export class PolicyProgram {
  readonly #programs: PolicyPrograms;
  readonly #validations: readonly CompiledValidation[];

  constructor(spec: ValidatingAdmissionPolicySpec) {
    this.#programs = new PolicyPrograms(spec);
    this.#validations = (spec.validations ?? []).map((source) => ({
      source,
      program: this.#programs.compile(source.expression),
      message: source.messageExpression === undefined ? undefined : this.#programs.compile(source.messageExpression),
    }));
  }

  /** What it refuses; of expressions that fail, only where `failing` is not to be ignored. */
  refusals(input: PolicyInput, failing: 'Fail' | 'Ignore'): readonly Refusal[] {
    const evaluation = this.#programs.evaluation(input);
    const refusals: Refusal[] = [];
    for (const { source, program, message } of this.#validations) {
      const outcome = evaluation.run(program, source.expression);
      if (outcome.kind === 'value') {
        if (outcome.value === true) continue;
        const text = messageOf(source, message === undefined ? undefined : evaluation.run(message, ''));
        refusals.push({ message: text, reason: source.reason ?? 'Invalid' });
        continue;
      }
      const why = outcome.kind === 'broke' ? OUT_OF_BUDGET : outcome.why;
      if (failing === 'Fail') refusals.push({ message: why });
      if (outcome.kind === 'broke') break;
    }
    return refusals;
  }
}

/** What the expression says, else what is written, else the expression. */
function messageOf({ message = '', expression }: Validation, said: Outcome | undefined): string {
  const text = said?.kind === 'value' && typeof said.value === 'string' ? said.value.trim() : '';
  if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  return message === '' ? `failed expression: ${expression.trim()}` : message.trim();
}

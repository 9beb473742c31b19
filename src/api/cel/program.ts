import type { CelType } from './cel-type.ts';
import type { CelValue } from './cel-value.ts';
import { checkExpression } from './checker.ts';
import { Planner } from './evaluator.ts';
import { issuesText } from './issues.ts';
import { failingConversion } from './literal-check.ts';
import { parseExpression } from './parser.ts';
import type { CostMeter } from './plan.ts';

/** An expression that can be run. */
export interface Program {
  readonly type: CelType;
  /** Which of the variables it reads. */
  readonly uses: ReadonlySet<string>;
  /**
   * Variables in the order in which they were declared; undefined for one that there is not.
   * @throws {CelError} when it has no value, {CostError} when it takes more than `limit`
   */
  readonly run: (variables: readonly (CelValue | undefined)[], meter: CostMeter) => CelValue;
}

export type Compiled =
  | { readonly kind: 'ok'; readonly program: Program }
  /** `text` shows each mistake with its place, as Kubernetes does. */
  | { readonly kind: 'wrong'; readonly text: string }
  /** It is a good expression that never has a value. */
  | { readonly kind: 'failing'; readonly text: string };

export function compile(text: string, variables: ReadonlyMap<string, CelType>): Compiled {
  const parsed = parseExpression(text);
  if (parsed.kind === 'wrong') return { kind: 'wrong', text: issuesText(text, parsed.issues) };
  const checked = checkExpression(parsed.expression, variables);
  if (checked.issues.length > 0) return { kind: 'wrong', text: issuesText(text, checked.issues) };
  const failure = failingConversion(checked.calls);
  if (failure !== undefined) return { kind: 'failing', text: failure };
  const names = [...variables.keys()];
  const run = new Planner(checked, names).plan(parsed.expression);
  return {
    kind: 'ok',
    program: {
      type: checked.type,
      uses: checked.uses,
      run: (values, meter) => run({ slots: [...values], meter }),
    },
  };
}

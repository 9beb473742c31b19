import { CostError, noOverload } from './cel-error.ts';
import type { CelValue } from './cel-value.ts';
import type { Expression } from './expression.ts';

/** Counts what an evaluation takes, in the units of Kubernetes' budgets. */
export class CostMeter {
  used = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(cost: number): void {
    this.used += cost;
    if (this.used > this.#limit) throw new CostError();
  }
}

export interface Frame {
  readonly slots: (CelValue | undefined)[];
  readonly meter: CostMeter;
}

export type Run = (frame: Frame) => CelValue;

/** Makes functions out of checked expressions. */
export interface Planning {
  plan(expression: Expression): Run;
  /** Plans with more variables, whose slots `plan` is given. */
  within<T>(names: readonly string[], plan: (slots: readonly number[]) => T): T;
}

export function truth(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw noOverload();
  return value;
}

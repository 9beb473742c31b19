import type { CelType } from './cel-type.ts';
import type { Expression } from './expression.ts';
import type { CelOverload } from './functions/cel-function.ts';
import type { Substitution } from './substitution.ts';

/** A call with the functions that it may mean, once the types of its arguments are known. */
export interface Resolved {
  readonly overloads: readonly CelOverload[];
  /** Arguments, with the target first where there is one. */
  readonly args: readonly Expression[];
}

/** A check of types under way. */
export interface Checking {
  readonly known: Substitution;
  check(expression: Expression): CelType;
  /** Checks with more variables. */
  within<T>(variables: ReadonlyMap<string, CelType>, run: () => T): T;
  /** Gives the type of what is wrong. */
  report(offset: number, text: string): CelType;
  mismatch(offset: number, wanted: CelType, found: CelType): CelType;
}

import type { CelUint } from './cel-value.ts';

interface Node {
  /** Where it stands in the source, in code points; for calls and selections the operator or the parenthesis. */
  readonly offset: number;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: boolean | bigint | number | string | null | Uint8Array | CelUint;
}

export interface Ident extends Node {
  readonly kind: 'ident';
  readonly name: string;
}

export interface Select extends Node {
  readonly kind: 'select';
  readonly operand: Expression;
  readonly field: string;
  /** `plain` reads, `test` is has(), `optional` is `.?`. */
  readonly mode: 'plain' | 'test' | 'optional';
}

export interface Call extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target?: Expression | undefined;
  readonly args: readonly Expression[];
}

export interface ListLiteral extends Node {
  readonly kind: 'list';
  readonly items: readonly { readonly value: Expression; readonly isOptional: boolean }[];
}

export interface MapLiteral extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expression; readonly value: Expression; readonly isOptional: boolean }[];
}

export interface StructLiteral extends Node {
  readonly kind: 'struct';
  readonly name: string;
}

export type FoldName =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'existsOne'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'optMap'
  | 'optFlatMap';

/** A macro over the items of a list or the entries of a map, or over what an optional holds. */
export interface Fold extends Node {
  readonly kind: 'fold';
  readonly name: FoldName;
  readonly range: Expression;
  readonly variables: readonly string[];
  readonly condition?: Expression | undefined;
  readonly transform?: Expression | undefined;
}

export type Expression = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Fold;

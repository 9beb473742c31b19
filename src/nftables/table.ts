import { datatypeOf, fieldsOf, type KeyExpression } from './expression.ts';
import type { KeyLayout } from './key.ts';
import type { Statement, Verdict } from './statement.ts';

export type Family = 'ip' | 'ip6';

/** Where a base chain hangs. `priority` is a number; names such as `dstnat` are for printing. */
export interface Hook {
  readonly type: 'nat' | 'filter';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
}

export interface Rule {
  readonly kind: 'rule';
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

export interface Chain {
  readonly kind: 'chain';
  readonly name: string;
  /** Absent in chains that are only jumped to. The policy is always accept. */
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
  readonly comment?: string;
}

export type SetFlag = 'constant' | 'interval' | 'dynamic' | 'timeout';

/** A set, a map (it has `data`) or a verdict map, without its elements. */
export interface SetDeclaration {
  readonly kind: 'set' | 'map' | 'vmap';
  readonly name: string;
  /** As after `typeof`: nft keeps the expression beside the set and prints it again. */
  readonly key: KeyExpression;
  /** Of maps: what the data is typed as. */
  readonly data?: KeyExpression;
  readonly flags?: readonly SetFlag[];
  readonly timeoutSeconds?: number;
  /** The most elements it may hold. Without one the hash table grows and shrinks. */
  readonly size?: number;
  readonly comment?: string;
}

export interface Element {
  readonly key: Uint8Array;
  /** Interval sets: the first key after the interval; absent where it reaches the end of the space. */
  readonly end?: Uint8Array;
  readonly data?: Uint8Array;
  readonly verdict?: Verdict;
  readonly comment?: string;
}

/** Many elements of one set, packed: `count` records, each a key and then its data. */
export interface ElementBlock {
  readonly kind: 'block';
  readonly keyLength: number;
  /** 0 in sets, and where elements are to be deleted. */
  readonly dataLength: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  /** One for each record, ASCII. */
  readonly comments?: readonly string[];
}

export interface SetContent {
  readonly declaration: SetDeclaration;
  /** Absent where the elements are somebody else's business: printing and comparing leave them out. */
  readonly elements?: readonly Element[];
}

export interface Table {
  readonly kind: 'table';
  readonly family: Family;
  readonly name: string;
  readonly sets: readonly SetContent[];
  readonly chains: readonly Chain[];
  readonly comment?: string;
}

export function rule(statements: readonly Statement[], comment?: string): Rule {
  return Object.freeze({
    kind: 'rule',
    statements: Object.freeze([...statements]),
    ...(comment === undefined ? {} : { comment }),
  });
}

export function chain(name: string, rules: readonly Rule[], options: { hook?: Hook; comment?: string } = {}): Chain {
  return Object.freeze({ kind: 'chain', name, rules: Object.freeze([...rules]), ...options });
}

export function layoutOf(key: KeyExpression): KeyLayout {
  return fieldsOf(key).map(datatypeOf);
}

/** Empty for sets and verdict maps. */
export function dataLayoutOf(declaration: SetDeclaration): KeyLayout {
  return declaration.data === undefined ? [] : layoutOf(declaration.data);
}

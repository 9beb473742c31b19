import type { Chain, Element, ElementBlock, Family, Rule, SetDeclaration } from './table.ts';

/** One step; `add-*` of a chain or set that exists as it is changes nothing. */
export type Operation =
  | { readonly kind: 'add-table'; readonly comment?: string }
  | { readonly kind: 'delete-table' }
  | { readonly kind: 'add-chain'; readonly chain: Chain }
  | { readonly kind: 'delete-chain'; readonly chain: string }
  | { readonly kind: 'flush-chain'; readonly chain: string }
  | { readonly kind: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly kind: 'add-set'; readonly set: SetDeclaration }
  | { readonly kind: 'delete-set'; readonly set: string }
  | {
      readonly kind: 'add-elements' | 'delete-elements';
      readonly set: SetDeclaration;
      readonly elements: readonly Element[] | ElementBlock;
    };

/** Operations on one table, in the order in which they are to be done, all or none. */
export interface Transaction {
  readonly kind: 'transaction';
  readonly family: Family;
  readonly table: string;
  readonly operations: readonly Operation[];
}

export function transaction(family: Family, table: string, operations: readonly Operation[]): Transaction {
  return Object.freeze({ kind: 'transaction', family, table, operations });
}

/** A chain with its rules: `add-chain` alone makes an empty one. */
export function addChain(chain: Chain): Operation[] {
  return [
    { kind: 'add-chain', chain },
    ...chain.rules.map((rule): Operation => ({ kind: 'add-rule', chain: chain.name, rule })),
  ];
}

export function elementCount(elements: readonly Element[] | ElementBlock): number {
  return 'count' in elements ? elements.count : elements.length;
}

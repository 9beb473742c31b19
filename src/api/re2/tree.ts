import type { CharSet } from './char-set.ts';

/** What a pattern means, with all flags worked in. */
export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly parts: readonly Node[] }
  /** What is to be remembered of a match; they count from 1. */
  | { readonly kind: 'group'; readonly index: number; readonly part: Node }
  | Repeat;

export interface Pattern {
  readonly node: Node;
  /** Of the groups, the whole first, which has none; empty for those without. */
  readonly names: readonly string[];
}

export interface Repeat {
  readonly kind: 'repeat';
  readonly part: Node;
  readonly min: number;
  /** Infinity where there is no end. */
  readonly max: number;
  readonly greedy: boolean;
}

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-boundary' | 'no-word-boundary';

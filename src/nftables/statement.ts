import type { Expression, FieldExpression, KeyExpression, MetaExpression } from './expression.ts';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** What a match compares with. `text` is in nft's words: `tcp`, `10.96.0.0/12`, `30000-32767`. */
export type Operand =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'range'; readonly text: string }
  /** `ct state established,related`: any of the bits. */
  | { readonly kind: 'flags'; readonly text: string }
  | { readonly kind: 'set'; readonly set: string };

export interface MatchStatement {
  readonly kind: 'match';
  /** A whole key can only be looked up in a set. */
  readonly left: KeyExpression;
  readonly operator: '==' | '!=';
  readonly right: Operand;
}
/** `meta priority set VALUE` */
export interface AssignStatement {
  readonly kind: 'assign';
  readonly target: MetaExpression;
  readonly value: Expression;
}
export interface VerdictStatement {
  readonly kind: 'verdict';
  readonly verdict: Verdict;
}
/** `KEY vmap @name`: does what the map says for the key; the rule ends without effect when it says nothing. */
export interface VmapStatement {
  readonly kind: 'vmap';
  readonly key: KeyExpression;
  readonly map: string;
}
/** `dnat ip to VALUE`; the value is an address, or an address and a port out of one map. */
export interface NatStatement {
  readonly kind: 'nat';
  readonly type: 'dnat' | 'snat';
  readonly family: 'ip' | 'ip6';
  readonly to: Expression;
  /** The value holds address . port. */
  readonly withPort: boolean;
}
export interface MasqueradeStatement {
  readonly kind: 'masquerade';
  readonly fullyRandom: boolean;
}
export interface RejectStatement {
  readonly kind: 'reject';
  readonly with: 'tcp reset' | 'port-unreachable';
}
export interface CounterStatement {
  readonly kind: 'counter';
}
/** `update @set { KEY timeout 3h : DATA }` */
export interface DynsetStatement {
  readonly kind: 'dynset';
  readonly operation: 'add' | 'update' | 'delete';
  readonly set: string;
  readonly key: KeyExpression;
  readonly data?: FieldExpression;
  readonly timeoutSeconds?: number;
}

export type Statement =
  | MatchStatement
  | AssignStatement
  | VerdictStatement
  | VmapStatement
  | NatStatement
  | MasqueradeStatement
  | RejectStatement
  | CounterStatement
  | DynsetStatement;

export const accept: Verdict = Object.freeze({ kind: 'accept' });
export const drop: Verdict = Object.freeze({ kind: 'drop' });

export function goTo(chain: string): Verdict {
  return Object.freeze({ kind: 'goto', chain });
}

export function jump(chain: string): Verdict {
  return Object.freeze({ kind: 'jump', chain });
}

export function verdict(what: Verdict): VerdictStatement {
  return Object.freeze({ kind: 'verdict', verdict: what });
}

export function vmap(key: KeyExpression, name: string): VmapStatement {
  return Object.freeze({ kind: 'vmap', key, map: name });
}

export function assign(target: MetaExpression, source: Expression): AssignStatement {
  return Object.freeze({ kind: 'assign', target, value: source });
}

function match(left: KeyExpression, right: Operand, operator: '==' | '!='): MatchStatement {
  return Object.freeze({ kind: 'match', left, operator, right: Object.freeze(right) });
}

export function matchValue(left: FieldExpression, text: string, operator: '==' | '!=' = '=='): MatchStatement {
  return match(left, { kind: 'value', text }, operator);
}

export function matchPrefix(left: FieldExpression, text: string, operator: '==' | '!=' = '=='): MatchStatement {
  return match(left, { kind: 'prefix', text }, operator);
}

export function matchRange(left: FieldExpression, text: string, operator: '==' | '!=' = '=='): MatchStatement {
  return match(left, { kind: 'range', text }, operator);
}

export function matchFlags(left: FieldExpression, text: string): MatchStatement {
  return match(left, { kind: 'flags', text }, '==');
}

export function matchSet(left: KeyExpression, set: string, operator: '==' | '!=' = '=='): MatchStatement {
  return match(left, { kind: 'set', set }, operator);
}

export function dnat(family: 'ip' | 'ip6', to: Expression, options: { readonly withPort: boolean }): NatStatement {
  return Object.freeze({ kind: 'nat', type: 'dnat', family, to, withPort: options.withPort });
}

export function masquerade(options: { readonly fullyRandom?: boolean } = {}): MasqueradeStatement {
  return Object.freeze({ kind: 'masquerade', fullyRandom: options.fullyRandom ?? false });
}

export function reject(how: RejectStatement['with']): RejectStatement {
  return Object.freeze({ kind: 'reject', with: how });
}

export const counter: CounterStatement = Object.freeze({ kind: 'counter' });

export function dynset(
  operation: DynsetStatement['operation'],
  set: string,
  key: KeyExpression,
  options: { readonly data?: FieldExpression; readonly timeoutSeconds?: number } = {},
): DynsetStatement {
  return Object.freeze({ kind: 'dynset', operation, set, key, ...options });
}

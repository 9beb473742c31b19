import {
  ctDirectionType,
  ctStateType,
  ctStatusType,
  fibTypeType,
  integerType,
  interfaceNameType,
  ipv4Type,
  ipv6Type,
  markType,
  portType,
  priorityType,
  protocolType,
  type Datatype,
} from './datatype.ts';

export type PayloadName = 'ip saddr' | 'ip daddr' | 'ip protocol' | 'ip6 saddr' | 'ip6 daddr' | 'th sport' | 'th dport';
export type MetaName = 'l4proto' | 'priority' | 'mark' | 'iifname' | 'oifname';
export type CtName =
  | 'state'
  | 'direction'
  | 'status'
  | 'mark'
  | 'original ip saddr'
  | 'original ip daddr'
  | 'original ip6 daddr'
  | 'original proto-dst';

export interface PayloadExpression {
  readonly kind: 'payload';
  readonly name: PayloadName;
}
export interface MetaExpression {
  readonly kind: 'meta';
  readonly name: MetaName;
}
export interface CtExpression {
  readonly kind: 'ct';
  readonly name: CtName;
}
/** What the routing table says of the packet's address; `type` is unicast, local, broadcast... */
export interface FibExpression {
  readonly kind: 'fib';
  readonly address: 'saddr' | 'daddr';
  readonly result: 'type';
}
export interface NumgenExpression {
  readonly kind: 'numgen';
  readonly mode: 'random' | 'inc';
  readonly modulus: number;
  /** What the numbers start at. */
  readonly offset?: number;
}
/** `meta mark & 0x4000`, `meta mark | 0x4000`; the operand is a number of 32 bits in host order. */
export interface BitwiseExpression {
  readonly kind: 'bitwise';
  readonly operator: '&' | '|' | '^';
  readonly left: MetaExpression | CtExpression;
  readonly right: number;
}

/** What a field of a key can be made of. */
export type FieldExpression =
  | PayloadExpression
  | MetaExpression
  | CtExpression
  | FibExpression
  | NumgenExpression
  | BitwiseExpression;

/** `ip daddr . meta l4proto . th dport`: each field starts in a 32-bit register of its own. */
export interface ConcatExpression {
  readonly kind: 'concat';
  readonly fields: readonly FieldExpression[];
}
export type KeyExpression = FieldExpression | ConcatExpression;

/** `KEY map @name`: what the map holds for the key; the rule ends without effect when it holds nothing. */
export interface MapExpression {
  readonly kind: 'map';
  readonly key: KeyExpression;
  readonly map: string;
}
/** A constant in nft's words; its datatype is that of the place where it stands. */
export interface ValueExpression {
  readonly kind: 'value';
  readonly text: string;
}
export type Expression = KeyExpression | MapExpression | ValueExpression;

interface PayloadFact {
  readonly datatype: Datatype;
  /** enum nft_payload_bases: NETWORK_HEADER 1, TRANSPORT_HEADER 2. */
  readonly base: number;
  readonly offset: number;
  /** nft's `enum proto_desc_id` and the field's number in that header, which `typeof` stores in the set. */
  readonly description: number;
  readonly field: number;
}

const payloadFacts: Readonly<Record<PayloadName, PayloadFact>> = {
  'ip protocol': { datatype: protocolType, base: 1, offset: 9, description: 12, field: 9 },
  'ip saddr': { datatype: ipv4Type, base: 1, offset: 12, description: 12, field: 11 },
  'ip daddr': { datatype: ipv4Type, base: 1, offset: 16, description: 12, field: 12 },
  'ip6 saddr': { datatype: ipv6Type, base: 1, offset: 8, description: 13, field: 8 },
  'ip6 daddr': { datatype: ipv6Type, base: 1, offset: 24, description: 13, field: 9 },
  'th sport': { datatype: portType, base: 2, offset: 0, description: 11, field: 1 },
  'th dport': { datatype: portType, base: 2, offset: 2, description: 11, field: 2 },
};

/** enum nft_meta_keys */
const metaFacts: Readonly<Record<MetaName, { readonly datatype: Datatype; readonly key: number }>> = {
  priority: { datatype: priorityType, key: 2 },
  mark: { datatype: markType, key: 3 },
  iifname: { datatype: interfaceNameType, key: 6 },
  oifname: { datatype: interfaceNameType, key: 7 },
  l4proto: { datatype: protocolType, key: 16 },
};

interface CtFact {
  readonly datatype: Datatype;
  /** enum nft_ct_keys */
  readonly key: number;
  /** enum ip_conntrack_dir, where the key needs one. */
  readonly direction?: number;
}

const ctFacts: Readonly<Record<CtName, CtFact>> = {
  state: { datatype: ctStateType, key: 0 },
  direction: { datatype: ctDirectionType, key: 1 },
  status: { datatype: ctStatusType, key: 2 },
  mark: { datatype: markType, key: 3 },
  'original ip saddr': { datatype: ipv4Type, key: 19, direction: 0 },
  'original ip daddr': { datatype: ipv4Type, key: 20, direction: 0 },
  'original ip6 daddr': { datatype: ipv6Type, key: 22, direction: 0 },
  'original proto-dst': { datatype: portType, key: 12, direction: 0 },
};

export function payloadFact(name: PayloadName): PayloadFact {
  return payloadFacts[name];
}

export function metaFact(name: MetaName): { readonly datatype: Datatype; readonly key: number } {
  return metaFacts[name];
}

export function ctFact(name: CtName): CtFact {
  return ctFacts[name];
}

export function payload(name: PayloadName): PayloadExpression {
  return Object.freeze({ kind: 'payload', name });
}

export function meta(name: MetaName): MetaExpression {
  return Object.freeze({ kind: 'meta', name });
}

export function ct(name: CtName): CtExpression {
  return Object.freeze({ kind: 'ct', name });
}

export function fib(address: 'saddr' | 'daddr', result: 'type'): FibExpression {
  return Object.freeze({ kind: 'fib', address, result });
}

export function numgen(mode: 'random' | 'inc', modulus: number, offset: number = 0): NumgenExpression {
  return Object.freeze({ kind: 'numgen', mode, modulus, ...(offset === 0 ? {} : { offset }) });
}

export function bitwise(
  left: MetaExpression | CtExpression,
  operator: '&' | '|' | '^',
  right: number,
): BitwiseExpression {
  return Object.freeze({ kind: 'bitwise', operator, left, right });
}

export function concat(...fields: readonly FieldExpression[]): ConcatExpression {
  return Object.freeze({ kind: 'concat', fields: Object.freeze([...fields]) });
}

export function map(key: KeyExpression, name: string): MapExpression {
  return Object.freeze({ kind: 'map', key, map: name });
}

export function value(text: string): ValueExpression {
  return Object.freeze({ kind: 'value', text });
}

export function fieldsOf(key: KeyExpression): readonly FieldExpression[] {
  return key.kind === 'concat' ? key.fields : [key];
}

export function datatypeOf(field: FieldExpression): Datatype {
  switch (field.kind) {
    case 'payload':
      return payloadFact(field.name).datatype;
    case 'meta':
      return metaFact(field.name).datatype;
    case 'ct':
      return ctFact(field.name).datatype;
    case 'fib':
      return fibTypeType;
    case 'numgen':
      return integerType;
    case 'bitwise':
      return datatypeOf(field.left);
  }
}

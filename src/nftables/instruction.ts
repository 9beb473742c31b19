import type { Verdict } from './statement.ts';

/**
 * What the kernel's virtual machine executes. Registers are numbered by 32-bit words: 0..15; a lookup into a verdict
 * map and an immediate verdict write to `'verdict'`.
 */
export type Register = number | 'verdict';

export interface PayloadInstruction {
  readonly kind: 'payload';
  readonly dreg: Register;
  readonly base: number;
  readonly offset: number;
  readonly length: number;
}
/** Loads when it has `dreg`, stores when it has `sreg`. */
export interface MetaInstruction {
  readonly kind: 'meta';
  readonly key: number;
  readonly dreg?: Register;
  readonly sreg?: Register;
}
export interface CtInstruction {
  readonly kind: 'ct';
  readonly key: number;
  readonly dreg?: Register;
  readonly direction?: number;
  readonly sreg?: Register;
}
export interface FibInstruction {
  readonly kind: 'fib';
  readonly flags: number;
  readonly result: number;
  readonly dreg: Register;
}
export interface LookupInstruction {
  readonly kind: 'lookup';
  readonly set: string;
  readonly sreg: Register;
  readonly dreg?: Register;
  /** NFT_LOOKUP_F_INV 1 */
  readonly flags?: number;
}
export interface ImmediateInstruction {
  readonly kind: 'immediate';
  readonly dreg: Register;
  readonly data: Uint8Array | Verdict;
}
export interface NumgenInstruction {
  readonly kind: 'numgen';
  readonly dreg: Register;
  readonly modulus: number;
  /** enum nft_ng_types: INCREMENTAL 0, RANDOM 1. */
  readonly type: number;
  readonly offset: number;
}
export interface NatInstruction {
  readonly kind: 'nat';
  /** enum nft_nat_types: SNAT 0, DNAT 1. */
  readonly type: number;
  readonly family: number;
  readonly addrMin?: Register;
  readonly protoMin?: Register;
  readonly flags?: number;
}
export interface MasqInstruction {
  readonly kind: 'masq';
  readonly flags?: number;
}
export interface RejectInstruction {
  readonly kind: 'reject';
  /** enum nft_reject_types: ICMP_UNREACH 0, TCP_RST 1. */
  readonly type: number;
  readonly code?: number;
}
export interface DynsetInstruction {
  readonly kind: 'dynset';
  readonly set: string;
  /** enum nft_dynset_ops: ADD 0, UPDATE 1, DELETE 2. */
  readonly op: number;
  readonly sregKey: Register;
  readonly sregData?: Register;
  readonly timeoutMs?: number;
}
export interface BitwiseInstruction {
  readonly kind: 'bitwise';
  readonly sreg: Register;
  readonly dreg: Register;
  readonly length: number;
  readonly mask: Uint8Array;
  readonly xor: Uint8Array;
}
export interface CmpInstruction {
  readonly kind: 'cmp';
  readonly sreg: Register;
  /** enum nft_cmp_ops: EQ 0, NEQ 1, LT 2, LTE 3, GT 4, GTE 5. */
  readonly op: number;
  readonly data: Uint8Array;
}
export interface RangeInstruction {
  readonly kind: 'range';
  readonly sreg: Register;
  /** enum nft_range_ops: EQ 0, NEQ 1. */
  readonly op: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}
/** The counts are state, not program: they are neither sent nor compared. */
export interface CounterInstruction {
  readonly kind: 'counter';
}
/** Of a kind, or with an attribute, that we never program: kept so that it equals nothing of ours. */
export interface UnknownInstruction {
  readonly kind: 'unknown';
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type Instruction =
  | PayloadInstruction
  | MetaInstruction
  | CtInstruction
  | FibInstruction
  | LookupInstruction
  | ImmediateInstruction
  | NumgenInstruction
  | NatInstruction
  | MasqInstruction
  | RejectInstruction
  | DynsetInstruction
  | BitwiseInstruction
  | CmpInstruction
  | RangeInstruction
  | CounterInstruction
  | UnknownInstruction;

/** `[ payload dreg=0 base=1 offset=16 length=4 ]`: for goldens and for comparing programs. */
export function formatInstruction(instruction: Instruction): string {
  const { kind, ...fields } = instruction;
  const words = Object.entries(fields).map(([name, field]) => ` ${name}=${formatField(field)}`);
  return `[ ${kind}${words.join('')} ]`;
}

function formatField(field: number | string | Uint8Array | Verdict): string {
  if (field instanceof Uint8Array) return `0x${Buffer.from(field).toString('hex')}`;
  if (typeof field !== 'object') return String(field);
  return 'chain' in field ? `${field.kind}->${field.chain}` : field.kind;
}

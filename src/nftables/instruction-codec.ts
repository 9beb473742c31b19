import type { AttributeReader } from '#netlink/attribute.ts';
import type { MessageEncoder } from '#netlink/encoder.ts';
import { DATA, EXPR, LIST_ELEM, RULE, space } from './attributes.ts';
import type { Instruction, Register } from './instruction.ts';
import type { Verdict } from './statement.ts';
import { decodeData, encodeVerdict } from './verdict.ts';

type FieldType = 'be32' | 'u8' | 'be64' | 'string' | 'register' | 'data';
type Layout = Readonly<Record<string, readonly [attribute: number, type: FieldType]>>;
type Known = Exclude<Instruction['kind'], 'unknown'>;

/** Field by field: NFTA_PAYLOAD_DREG is attribute 1, a register. One table for both directions, in nft's order. */
const layouts: Readonly<Record<Known, Layout>> = {
  payload: { dreg: [1, 'register'], base: [2, 'be32'], offset: [3, 'be32'], length: [4, 'be32'] },
  meta: { key: [2, 'be32'], dreg: [1, 'register'], sreg: [3, 'register'] },
  ct: { key: [2, 'be32'], dreg: [1, 'register'], direction: [3, 'u8'], sreg: [4, 'register'] },
  fib: { flags: [3, 'be32'], result: [2, 'be32'], dreg: [1, 'register'] },
  lookup: { set: [1, 'string'], sreg: [2, 'register'], dreg: [3, 'register'], flags: [5, 'be32'] },
  immediate: { dreg: [1, 'register'], data: [2, 'data'] },
  numgen: { dreg: [1, 'register'], modulus: [2, 'be32'], type: [3, 'be32'], offset: [4, 'be32'] },
  nat: {
    type: [1, 'be32'],
    family: [2, 'be32'],
    addrMin: [3, 'register'],
    protoMin: [5, 'register'],
    flags: [7, 'be32'],
  },
  masq: { flags: [1, 'be32'] },
  reject: { type: [1, 'be32'], code: [2, 'u8'] },
  dynset: {
    set: [1, 'string'],
    op: [3, 'be32'],
    sregKey: [4, 'register'],
    sregData: [5, 'register'],
    timeoutMs: [6, 'be64'],
  },
  bitwise: {
    sreg: [1, 'register'],
    dreg: [2, 'register'],
    length: [3, 'be32'],
    mask: [4, 'data'],
    xor: [5, 'data'],
  },
  cmp: { sreg: [1, 'register'], op: [2, 'be32'], data: [3, 'data'] },
  range: { sreg: [1, 'register'], op: [2, 'be32'], from: [3, 'data'], to: [4, 'data'] },
  counter: {},
};

/** Fields that mean the same when they are absent and when they are zero: the kernel shows some of them as zero. */
const zeroIsAbsent: ReadonlySet<string> = new Set(['lookup.flags', 'masq.flags', 'nat.flags', 'dynset.timeoutMs']);

/**
 * Attributes that the kernel adds when it lists a rule: state (counters), the upper ends of NAT ranges, which equal
 * the lower ones when none was given, the boolean operation of bitwise, and padding. A reject by reset shows a code.
 */
const ignored: Readonly<Partial<Record<Known, readonly number[]>>> = {
  counter: [1, 2, 3],
  nat: [4, 6],
  bitwise: [6],
  lookup: [4],
  dynset: [2, 9],
};

export function encodeInstructions(encoder: MessageEncoder, instructions: readonly Instruction[]): void {
  const list = encoder.beginNested(RULE.EXPRESSIONS);
  for (const instruction of instructions) {
    if (instruction.kind === 'unknown') throw new RangeError(`Cannot encode instruction "${instruction.name}"`);
    const element = encoder.beginNested(LIST_ELEM);
    encoder.string(EXPR.NAME, instruction.kind);
    const data = encoder.beginNested(EXPR.DATA);
    const fields: Readonly<Record<string, unknown>> = { ...instruction };
    for (const [name, [attribute, type]] of Object.entries(layouts[instruction.kind])) {
      if (fields[name] !== undefined) encodeField(encoder, attribute, type, fields[name]);
    }
    encoder.endNested(data);
    encoder.endNested(element);
  }
  encoder.endNested(list);
}

function encodeField(encoder: MessageEncoder, attribute: number, type: FieldType, field: unknown): void {
  switch (type) {
    case 'be32':
      return encoder.be32(attribute, field as number);
    case 'u8':
      return encoder.u8(attribute, field as number);
    case 'be64':
      return encoder.be64(attribute, field as number);
    case 'string':
      return encoder.string(attribute, field as string);
    case 'register':
      return encoder.be32(attribute, registerNumber(field as Register));
    case 'data': {
      const mark = encoder.beginNested(attribute);
      if (field instanceof Uint8Array) encoder.bytes(DATA.VALUE, field);
      else encodeVerdict(encoder, field as Verdict);
      encoder.endNested(mark);
    }
  }
}

/** enum nft_registers: NFT_REG_1..4 name the 128-bit quarters, NFT_REG32_00.. (8..23) the words, as the kernel lists them. */
function registerNumber(register: Register): number {
  if (register === 'verdict') return 0;
  return register % 4 === 0 ? 1 + register / 4 : 8 + register;
}

function registerOf(number: number): Register {
  if (number === 0) return 'verdict';
  return number < 8 ? (number - 1) * 4 : number - 8;
}

const listSpace = space('LIST', { ELEM: LIST_ELEM });
const exprSpace = space('EXPR', EXPR);

/** The content of NFTA_RULE_EXPRESSIONS. */
export function decodeInstructions(attribute: AttributeReader): Instruction[] {
  const instructions: Instruction[] = [];
  const list = attribute.nested(listSpace);
  while (list.next()) instructions.push(decodeInstruction(list.nested(exprSpace)));
  return instructions;
}

function decodeInstruction(reader: AttributeReader): Instruction {
  let name = '';
  let data: AttributeReader | undefined;
  let bytes: Uint8Array = new Uint8Array();
  while (reader.next()) {
    if (reader.type === EXPR.NAME) name = reader.string();
    else if (reader.type === EXPR.DATA) {
      bytes = reader.bytes();
      data = reader.nested(space('EXPR_DATA', {}));
    }
  }
  const unknown: Instruction = { kind: 'unknown', name, bytes: bytes.slice() };
  if (!Object.hasOwn(layouts, name)) return unknown;
  const kind = name as Known;
  const fields = decodeFields(kind, data);
  return fields === undefined ? unknown : orderFields(kind, fields);
}

function decodeFields(kind: Known, reader: AttributeReader | undefined): Map<number, unknown> | undefined {
  const fields = new Map<number, unknown>();
  while (reader?.next()) {
    const { type: attribute } = reader;
    const field = Object.entries(layouts[kind]).find(([, [number]]) => number === attribute);
    if (field === undefined) {
      if (ignored[kind]?.includes(attribute) ?? false) continue;
      return undefined;
    }
    const decoded = decodeField(reader, field[1][1]);
    if (decoded === 0 && zeroIsAbsent.has(`${kind}.${field[0]}`)) continue;
    fields.set(attribute, decoded);
  }
  // The kernel shows a code with a reset too, which has none.
  if (kind === 'reject' && fields.get(1) === 1) fields.delete(2);
  return fields;
}

/** Properties in the order of the layout, so that equal instructions format equally. */
function orderFields(kind: Known, fields: ReadonlyMap<number, unknown>): Instruction {
  const entries = Object.entries(layouts[kind]).flatMap(([name, [attribute]]) =>
    fields.has(attribute) ? [[name, fields.get(attribute)]] : [],
  );
  return { kind, ...Object.fromEntries(entries) } as Instruction;
}

function decodeField(reader: AttributeReader, type: FieldType): unknown {
  switch (type) {
    case 'be32':
      return reader.be32();
    case 'u8':
      return reader.u8();
    case 'be64':
      return Number(reader.be64());
    case 'string':
      return reader.string();
    case 'register':
      return registerOf(reader.be32());
    case 'data': {
      const data = decodeData(reader);
      return data instanceof Uint8Array ? data.slice() : data;
    }
  }
}

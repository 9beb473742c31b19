import type { Datatype } from './datatype.ts';
import { datatypeOf, payloadFact, type FieldExpression, type KeyExpression } from './expression.ts';
import type { Instruction } from './instruction.ts';
import { loadField, loadKey } from './linearize-load.ts';
import type { MatchStatement } from './statement.ts';
import { encodeValue } from './value.ts';

const CMP_EQ = 0;
const CMP_NEQ = 1;
const CMP_LTE = 3;
const CMP_GTE = 5;
const RANGE_NEQ = 1;

export function linearizeMatch(statement: MatchStatement): Instruction[] {
  const { left, operator, right } = statement;
  const inverted = operator === '!=';
  if (right.kind === 'set') {
    const flags = inverted ? { flags: 1 } : {};
    return [...loadKey(left, 0), { kind: 'lookup', set: right.set, sreg: 0, ...flags }];
  }
  const field = single(left, right.text);
  const datatype = datatypeOf(field);
  switch (right.kind) {
    case 'value':
      return [
        ...loadField(field, 0),
        { kind: 'cmp', sreg: 0, op: inverted ? CMP_NEQ : CMP_EQ, data: encodeValue(datatype, right.text) },
      ];
    case 'flags':
      return matchFlags(field, datatype, right.text);
    case 'prefix':
      return matchPrefix(field, datatype, right.text, inverted);
    case 'range':
      return matchRange(field, datatype, right.text, inverted);
  }
}

function matchFlags(field: FieldExpression, datatype: Datatype, text: string): Instruction[] {
  const zero = new Uint8Array(datatype.length);
  return [
    ...loadField(field, 0),
    { kind: 'bitwise', sreg: 0, dreg: 0, length: datatype.length, mask: encodeValue(datatype, text), xor: zero },
    { kind: 'cmp', sreg: 0, op: CMP_NEQ, data: zero },
  ];
}

function matchPrefix(field: FieldExpression, datatype: Datatype, text: string, inverted: boolean): Instruction[] {
  const slash = text.indexOf('/');
  const bits = Number(text.slice(slash + 1));
  const address = encodeValue(datatype, text.slice(0, slash));
  const op = inverted ? CMP_NEQ : CMP_EQ;
  // A prefix of whole bytes is a shorter load.
  if (bits % 8 === 0 && bits > 0 && field.kind === 'payload') {
    const { base, offset } = payloadFact(field.name);
    return [
      { kind: 'payload', dreg: 0, base, offset, length: bits / 8 },
      { kind: 'cmp', sreg: 0, op, data: address.subarray(0, bits / 8) },
    ];
  }
  const mask = address.map((_, i) => (0xff << (8 - Math.min(8, Math.max(0, bits - 8 * i)))) & 0xff);
  const xor = new Uint8Array(datatype.length);
  return [
    ...loadField(field, 0),
    { kind: 'bitwise', sreg: 0, dreg: 0, length: datatype.length, mask, xor },
    { kind: 'cmp', sreg: 0, op, data: address },
  ];
}

function matchRange(field: FieldExpression, datatype: Datatype, text: string, inverted: boolean): Instruction[] {
  const dash = text.indexOf('-');
  const from = encodeValue(datatype, text.slice(0, dash));
  const to = encodeValue(datatype, text.slice(dash + 1));
  if (inverted) return [...loadField(field, 0), { kind: 'range', sreg: 0, op: RANGE_NEQ, from, to }];
  return [
    ...loadField(field, 0),
    { kind: 'cmp', sreg: 0, op: CMP_GTE, data: from },
    { kind: 'cmp', sreg: 0, op: CMP_LTE, data: to },
  ];
}

function single(key: KeyExpression, text: string): FieldExpression {
  if (key.kind !== 'concat') return key;
  throw new RangeError(
    `Cannot compare a key of ${key.fields.length} fields with "${text}": only a set holds such keys`,
  );
}

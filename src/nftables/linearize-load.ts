import { registerLength } from './datatype.ts';
import {
  ctFact,
  datatypeOf,
  fieldsOf,
  metaFact,
  payloadFact,
  type BitwiseExpression,
  type FieldExpression,
  type KeyExpression,
} from './expression.ts';
import type { Instruction } from './instruction.ts';

export function loadKey(key: KeyExpression, register: number): Instruction[] {
  let at = register;
  return fieldsOf(key).flatMap((field) => {
    const instructions = loadField(field, at);
    at += registerLength(datatypeOf(field)) / 4;
    return instructions;
  });
}

export function loadField(field: FieldExpression, dreg: number): Instruction[] {
  switch (field.kind) {
    case 'payload': {
      const { base, offset, datatype } = payloadFact(field.name);
      return [{ kind: 'payload', dreg, base, offset, length: datatype.length }];
    }
    case 'meta':
      return [{ kind: 'meta', key: metaFact(field.name).key, dreg }];
    case 'ct': {
      const { key, direction } = ctFact(field.name);
      return [{ kind: 'ct', key, dreg, ...(direction === undefined ? {} : { direction }) }];
    }
    case 'fib':
      // NFT_FIB_RESULT_ADDRTYPE; NFTA_FIB_F_SADDR 1, DADDR 2.
      return [{ kind: 'fib', flags: field.address === 'saddr' ? 1 : 2, result: 3, dreg }];
    case 'numgen':
      return [
        {
          kind: 'numgen',
          dreg,
          modulus: field.modulus,
          type: field.mode === 'random' ? 1 : 0,
          offset: field.offset ?? 0,
        },
      ];
    case 'bitwise':
      return loadBitwise(field, dreg);
  }
}

/** NFT_BITWISE_BOOL computes (value & mask) ^ xor: `| x` clears the bits first, then flips them. */
function loadBitwise(field: BitwiseExpression, dreg: number): Instruction[] {
  const keepAll = 0xffff_ffff;
  const masks = { '&': [field.right, 0], '|': [~field.right, field.right], '^': [keepAll, field.right] } as const;
  const [mask, xor] = masks[field.operator];
  return [
    ...loadField(field.left, dreg),
    { kind: 'bitwise', sreg: dreg, dreg, length: 4, mask: word(mask), xor: word(xor) },
  ];
}

function word(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

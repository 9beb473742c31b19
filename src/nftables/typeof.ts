import { ctFact, datatypeOf, metaFact, payloadFact, type FieldExpression, type KeyExpression } from './expression.ts';
import { joinEntries, numberEntry, userdataEntry } from './userdata.ts';

/** nft's `enum expr_types`, as stored in the kernel since nft 0.9.4. */
const EXPR = { VERDICT: 1, PAYLOAD: 7, META: 9, CT: 12, CONCAT: 13, NUMGEN: 23, FIB: 26 } as const;
const TYPEOF_EXPR = 0;
const TYPEOF_DATA = 1;

/** How nft stores the expression after `typeof`, for printing it again: its kind and what its kind needs. */
export function typeofEntries(key: KeyExpression | 'verdict'): Uint8Array {
  if (key === 'verdict') return typed(EXPR.VERDICT, new Uint8Array());
  if (key.kind !== 'concat') return typeofField(key);
  return typed(EXPR.CONCAT, joinEntries(...key.fields.map((field, i) => userdataEntry(i, typeofField(field)))));
}

/** enum byteorder: BYTEORDER_INVALID 0, HOST_ENDIAN 1, BIG_ENDIAN 2. A concatenation has none. */
export function byteOrderNumber(key: KeyExpression | 'verdict'): number {
  if (key === 'verdict' || key.kind === 'concat') return 0;
  return datatypeOf(key).byteOrder === 'host' ? 1 : 2;
}

function typed(kind: number, data: Uint8Array): Uint8Array {
  return joinEntries(numberEntry(TYPEOF_EXPR, kind), userdataEntry(TYPEOF_DATA, data));
}

function typeofField(field: FieldExpression): Uint8Array {
  switch (field.kind) {
    case 'payload': {
      const fact = payloadFact(field.name);
      return typed(EXPR.PAYLOAD, numbers(fact.description, fact.field));
    }
    case 'meta':
      return typed(EXPR.META, numbers(metaFact(field.name).key));
    case 'ct': {
      const { key, direction } = ctFact(field.name);
      return typed(EXPR.CT, numbers(key, direction ?? 0xffff_ffff));
    }
    case 'fib':
      return typed(EXPR.FIB, numbers(3, field.address === 'saddr' ? 1 : 2));
    case 'numgen':
      return typed(EXPR.NUMGEN, numbers(field.mode === 'random' ? 1 : 0, field.modulus, field.offset ?? 0));
    case 'bitwise':
      throw new RangeError('Cannot type a set by a bitwise expression: nft has no notation for it');
  }
}

/** Entries 0, 1, 2... of 32 bits each. */
function numbers(...values: readonly number[]): Uint8Array {
  return joinEntries(...values.map((value, i) => numberEntry(i, value)));
}

import { CelError } from '../cel-error.ts';
import {
  CelDuration,
  CelList,
  type CelMap,
  CelObject,
  CelOptional,
  CelUint,
  isMap,
  type CelValue,
} from '../cel-value.ts';
import { type CelFunction, define, type Definition } from './cel-function.ts';
import { fieldOf } from './operators.ts';

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelDuration) return value.nanos === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelList) return value.size === 0;
  if (value instanceof CelOptional) return value.value === undefined;
  if (value instanceof CelObject) return Object.keys(value.raw).length === 0;
  return isMap(value) && value.size === 0;
}

function some(value: CelValue | undefined): CelOptional {
  return value === undefined ? CelOptional.none : new CelOptional(value);
}

function held({ value }: CelOptional): CelValue {
  if (value === undefined) throw new CelError('optional.none() dereference');
  return value;
}

function itemAt(list: CelList, index: bigint): CelOptional {
  return index < 0n || index >= BigInt(list.size) ? CelOptional.none : some(list.at(Number(index)));
}

function entryAt(map: CelMap | CelObject, key: CelValue): CelOptional {
  return some(fieldOf(map, key));
}

function through<K>(read: (of: never, key: K) => CelOptional): (optional: CelOptional, key: K) => CelOptional {
  return ({ value }, key) => (value === undefined ? CelOptional.none : read(value as never, key));
}

function unwrap(list: CelList): CelList {
  const values = [...list].flatMap((item) =>
    item instanceof CelOptional && item.value !== undefined ? [item.value] : [],
  );
  return CelList.of(values);
}

export const OPTIONAL_FUNCTIONS: readonly CelFunction[] = [
  define('optional.of', ['(A) -> optional(A)', some]),
  define('optional.ofNonZeroValue', [
    '(A) -> optional(A)',
    (value: CelValue) => (isZero(value) ? CelOptional.none : some(value)),
  ]),
  define('optional.none', ['() -> optional(A)', () => CelOptional.none]),
  define('value', ['optional(A).() -> A', held]),
  define('hasValue', ['optional(A).() -> bool', ({ value }: CelOptional) => value !== undefined]),
  define('or', [
    'optional(A).(optional(A)) -> optional(A)',
    (a: CelOptional, b: CelOptional) => (a.value === undefined ? b : a),
  ]),
  define('orValue', [
    'optional(A).(A) -> A',
    ({ value }: CelOptional, other: CelValue) => (value === undefined ? other : value),
  ]),
  define(
    '_[?_]',
    ['(list(A), int) -> optional(A)', itemAt],
    ['(optional(list(A)), int) -> optional(A)', through(itemAt)],
    ['(map(A, B), A) -> optional(B)', entryAt],
    ['(optional(map(A, B)), A) -> optional(B)', through(entryAt)],
  ),
  define('first', ['list(A).() -> optional(A)', (list: CelList) => itemAt(list, 0n)]),
  define('last', ['list(A).() -> optional(A)', (list: CelList) => itemAt(list, BigInt(list.size - 1))]),
  define('optional.unwrap', ['(list(optional(A))) -> list(A)', unwrap]),
  define('unwrapOpt', ['list(optional(A)).() -> list(A)', unwrap]),
];

/** Indexing goes through an optional as well. */
export const OPTIONAL_INDEX: readonly Definition[] = [
  ['(optional(list(A)), int) -> optional(A)', through(itemAt)],
  ['(optional(map(A, B)), A) -> optional(B)', through(entryAt)],
];

import { CelError, noOverload } from '../cel-error.ts';
import { CelDuration, type CelList, CelUint, type CelValue } from '../cel-value.ts';
import { celCompare, celEqual } from '../compare.ts';
import { type CelFunction, define, type Definition, sizeOf, traversal } from './cel-function.ts';
import { checkedDuration, checkedInt, checkedUint } from './operators.ts';
import { STRING_INDEX, STRING_LAST_INDEX } from './string-functions.ts';

const ORDERED = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

const whole = ([list]: readonly CelValue[]): number => traversal(list);

function isSorted(list: CelList): boolean {
  for (let index = 1; index < list.size; index++) {
    if (celCompare(list.at(index - 1), list.at(index)) > 0) return false;
  }
  return true;
}

function added(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checkedInt(a + b);
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof CelUint && b instanceof CelUint) return checkedUint(a.value + b.value);
  if (a instanceof CelDuration && b instanceof CelDuration) return checkedDuration(a.nanos + b.nanos);
  throw noOverload();
}

function sum(type: string, zero: CelValue): Definition {
  return [`list(${type}).() -> ${type}`, (list: CelList) => [...list].reduce(added, zero), whole];
}

function extreme(name: string, isBetter: (order: number) => boolean): readonly Definition[] {
  const apply = (list: CelList): CelValue => {
    if (list.size === 0) throw new CelError(`${name} called on empty list`);
    return [...list].reduce((best, item) => (isBetter(celCompare(item, best)) ? item : best));
  };
  return ORDERED.map((type) => [`list(${type}).() -> ${type}`, apply, whole]);
}

function indexOf(list: CelList, item: CelValue): bigint {
  return BigInt([...list].findIndex((present) => celEqual(present, item)));
}

function lastIndexOf(list: CelList, item: CelValue): bigint {
  return BigInt([...list].findLastIndex((present) => celEqual(present, item)));
}

function containsAll(list: CelList, wanted: CelList): boolean {
  return [...wanted].every((item) => indexOf(list, item) >= 0n);
}

const each = ([a, b]: readonly CelValue[]): number => 1 + sizeOf(a) * sizeOf(b);

export const LIST_FUNCTIONS: readonly CelFunction[] = [
  define('isSorted', ...ORDERED.map((type): Definition => [`list(${type}).() -> bool`, isSorted, whole])),
  define('sum', sum('int', 0n), sum('uint', new CelUint(0n)), sum('double', 0), sum('duration', new CelDuration(0n))),
  define('min', ...extreme('min', (order) => order < 0)),
  define('max', ...extreme('max', (order) => order > 0)),
  define('indexOf', ['list(A).(A) -> int', indexOf, whole], ...STRING_INDEX),
  define('lastIndexOf', ['list(A).(A) -> int', lastIndexOf, whole], ...STRING_LAST_INDEX),
  define('sets.contains', ['(list(A), list(A)) -> bool', containsAll, each]),
  define('sets.equivalent', [
    '(list(A), list(A)) -> bool',
    (a: CelList, b: CelList) => containsAll(a, b) && containsAll(b, a),
    each,
  ]),
  define('sets.intersects', [
    '(list(A), list(A)) -> bool',
    (a: CelList, b: CelList) => [...b].some((item) => indexOf(a, item) >= 0n),
    each,
  ]),
];

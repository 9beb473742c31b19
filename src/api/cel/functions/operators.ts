import { CelError } from '../cel-error.ts';
import { CelDuration, CelList, type CelMap, CelObject, CelTimestamp, CelUint, type CelValue } from '../cel-value.ts';
import { celCompare, celEqual, numericOf } from '../compare.ts';
import { both, type CelFunction, define, type Definition, lesser, sizeOf } from './cel-function.ts';

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;
const NANOS = 1_000_000_000n;
/** From the year 1 to the end of the year 9999. */
const MIN_TIME = -62_135_596_800n * NANOS;
const MAX_TIME = 253_402_300_800n * NANOS - 1n;

export function checkedInt(value: bigint): bigint {
  if (value < MIN_INT || value > MAX_INT) throw new CelError('integer overflow');
  return value;
}

export function checkedUint(value: bigint): CelUint {
  if (value < 0n || value > MAX_UINT) throw new CelError('unsigned integer overflow');
  return new CelUint(value);
}

export function checkedDuration(nanos: bigint): CelDuration {
  if (nanos < MIN_INT || nanos > MAX_INT) throw new CelError('duration overflow');
  return new CelDuration(nanos);
}

export function checkedTime(nanos: bigint): CelTimestamp {
  if (nanos < MIN_TIME || nanos > MAX_TIME) throw new CelError('timestamp overflow');
  return new CelTimestamp(nanos);
}

type OnInts = (a: bigint, b: bigint) => bigint;
type OnDoubles = (a: number, b: number) => number;

function arithmetic(onInts: OnInts, onDoubles?: OnDoubles): readonly Definition[] {
  const whole: Definition[] = [
    ['(int, int) -> int', (a: bigint, b: bigint) => checkedInt(onInts(a, b))],
    ['(uint, uint) -> uint', (a: CelUint, b: CelUint) => checkedUint(onInts(a.value, b.value))],
  ];
  return onDoubles === undefined ? whole : [['(double, double) -> double', onDoubles], ...whole];
}

function divisor(value: bigint, text: string): bigint {
  if (value === 0n) throw new CelError(text);
  return value;
}

function concatenated(a: CelList, b: CelList): CelList {
  const { identity } = a;
  if (identity === undefined) {
    return new CelList(a.size + b.size, (index) => (index < a.size ? a.at(index) : b.at(index - a.size)));
  }
  if (identity.kind === 'set') {
    const items = [...a];
    for (const item of b) if (!items.some((present) => celEqual(present, item))) items.push(item);
    return new CelList(items.length, (index) => items[index] ?? null, identity);
  }
  // An item of the right takes the place of that with the same keys.
  const items = new Map([...a].map((item) => [identity.keyOf(item), item]));
  for (const item of b) items.set(identity.keyOf(item), item);
  const merged = [...items.values()];
  return new CelList(merged.length, (index) => merged[index] ?? null, identity);
}

const ORDERED = ['bool', 'string', 'bytes', 'timestamp', 'duration'];
const NUMBERS = ['int', 'uint', 'double'];

/** Numbers of all types are compared with each other. */
function comparison(holds: (order: number) => boolean): readonly Definition[] {
  const apply = (a: CelValue, b: CelValue): boolean => holds(celCompare(a, b));
  return [
    ...ORDERED.map((type): Definition => [`(${type}, ${type}) -> bool`, apply, lesser]),
    ...NUMBERS.flatMap((a) => NUMBERS.map((b): Definition => [`(${a}, ${b}) -> bool`, apply])),
  ];
}

export function indexList(list: CelList, index: CelValue): CelValue {
  const at = numericOf(index);
  if (at === undefined) throw new CelError(`unsupported index type in list`);
  if (at < 0 || at >= list.size) throw new CelError(`index out of bounds: ${at}`);
  if (typeof at === 'number' && !Number.isInteger(at)) throw new CelError(`unsupported index value ${at} in list`);
  return list.at(Number(at));
}

export function keyText(key: CelValue): string {
  if (key instanceof CelUint) return String(key.value);
  return typeof key === 'object' ? 'object' : String(key);
}

export function fieldOf(value: CelMap | CelObject, key: CelValue): CelValue | undefined {
  if (value instanceof CelObject) return typeof key === 'string' ? value.get(key) : undefined;
  return value.get(key);
}

function indexMap(map: CelMap | CelObject, key: CelValue): CelValue {
  const found = fieldOf(map, key);
  if (found === undefined) throw new CelError(`no such key: ${keyText(key)}`);
  return found;
}

function contains(item: CelValue, list: CelList): boolean {
  for (const present of list) if (celEqual(present, item)) return true;
  return false;
}

export const OPERATORS: readonly CelFunction[] = [
  define(
    '_+_',
    ['(bytes, bytes) -> bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b]), both],
    ['(double, double) -> double', (a: number, b: number) => a + b],
    ['(duration, duration) -> duration', (a: CelDuration, b: CelDuration) => checkedDuration(a.nanos + b.nanos)],
    ['(duration, timestamp) -> timestamp', (a: CelDuration, b: CelTimestamp) => checkedTime(a.nanos + b.nanos)],
    ['(timestamp, duration) -> timestamp', (a: CelTimestamp, b: CelDuration) => checkedTime(a.nanos + b.nanos)],
    ['(int, int) -> int', (a: bigint, b: bigint) => checkedInt(a + b)],
    ['(list(A), list(A)) -> list(A)', concatenated],
    ['(string, string) -> string', (a: string, b: string) => a + b, both],
    ['(uint, uint) -> uint', (a: CelUint, b: CelUint) => checkedUint(a.value + b.value)],
  ),
  define(
    '_-_',
    ...arithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
    ['(duration, duration) -> duration', (a: CelDuration, b: CelDuration) => checkedDuration(a.nanos - b.nanos)],
    ['(timestamp, duration) -> timestamp', (a: CelTimestamp, b: CelDuration) => checkedTime(a.nanos - b.nanos)],
    ['(timestamp, timestamp) -> duration', (a: CelTimestamp, b: CelTimestamp) => checkedDuration(a.nanos - b.nanos)],
  ),
  define(
    '_*_',
    ...arithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ),
  define(
    '_/_',
    ...arithmetic(
      (a, b) => a / divisor(b, 'division by zero'),
      (a, b) => a / b,
    ),
  ),
  define('_%_', ...arithmetic((a, b) => a % divisor(b, 'modulus by zero'))),
  define('-_', ['(double) -> double', (a: number) => -a], ['(int) -> int', (a: bigint) => checkedInt(-a)]),
  define('!_', ['(bool) -> bool', (a: boolean) => !a]),
  define('_<_', ...comparison((order) => order < 0)),
  define('_<=_', ...comparison((order) => order <= 0)),
  define('_>_', ...comparison((order) => order > 0)),
  define('_>=_', ...comparison((order) => order >= 0)),
  define('_==_', ['(A, A) -> bool', celEqual, lesser]),
  define('_!=_', ['(A, A) -> bool', (a: CelValue, b: CelValue) => !celEqual(a, b), lesser]),
  define(
    '@in',
    ['(A, list(A)) -> bool', contains, ([, list]) => sizeOf(list)],
    ['(A, map(A, B)) -> bool', (key: CelValue, map: CelMap | CelObject) => fieldOf(map, key) !== undefined],
  ),
  define('_[_]', ['(list(A), int) -> A', indexList], ['(map(A, B), A) -> B', indexMap]),
];

import { formatIp } from '#base/ip.ts';
import { CelError, noOverload } from './cel-error.ts';
import {
  CelDuration,
  CelList,
  type CelMap,
  CelObject,
  type CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  type Network,
} from './cel-value.ts';

type Numeric = bigint | number;

/** The number that a value is, whatever its type; undefined for what is none. */
export function numericOf(value: CelValue): Numeric | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof CelUint ? value.value : undefined;
}

/** Whether two values are the same. Numbers of different types are compared as numbers; other types never are the same. */
export function celEqual(a: CelValue, b: CelValue): boolean {
  const [left, right] = [numericOf(a), numericOf(b)];
  // eslint-disable-next-line eqeqeq -- compares an int with a double exactly, which === does not
  if (left !== undefined && right !== undefined) return left == right;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return scalarsEqual(a, b) ?? aggregatesEqual(a, b);
}

type Boxed = Extract<CelValue, object>;

/** Undefined for what is no scalar. */
function scalarsEqual(a: Boxed, b: Boxed): boolean | undefined {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos;
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.nanos === b.nanos;
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.type.name === b.type.name;
  return a instanceof CelUint ? false : undefined;
}

function aggregatesEqual(a: Boxed, b: Boxed): boolean {
  if (a instanceof CelList) return b instanceof CelList && listsEqual(a, b);
  if (a instanceof CelObject) return b instanceof CelObject && objectsEqual(a, b);
  if (a instanceof CelOptional) return b instanceof CelOptional && optionalsEqual(a, b);
  if (!('kind' in a) || !('kind' in b)) return false;
  if (a.kind === 'map') return b.kind === 'map' && mapsEqual(a, b);
  return b.kind === a.kind && opaqueText(a) === opaqueText(b);
}

function optionalsEqual(a: CelOptional, b: CelOptional): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return celEqual(a.value, b.value);
}

function listsEqual(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false;
  const identity = a.identity ?? b.identity;
  if (identity === undefined) {
    for (let index = 0; index < a.size; index++) {
      if (!celEqual(a.at(index), b.at(index))) return false;
    }
    return true;
  }
  // Of sets and of keyed lists the order means nothing.
  if (identity.kind === 'keys') {
    const others = new Map([...b].map((item) => [identity.keyOf(item), item]));
    return [...a].every((item) => {
      const other = others.get(identity.keyOf(item));
      return other !== undefined && celEqual(item, other);
    });
  }
  const rest = [...b];
  return [...a].every((item) => {
    const at = rest.findIndex((other) => celEqual(item, other));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

function mapsEqual(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const [left, right] = [a.get(key), b.get(key)];
    if (left === undefined || right === undefined || !celEqual(left, right)) return false;
  }
  return true;
}

function objectsEqual(a: CelObject, b: CelObject): boolean {
  const fields = Object.keys(a.raw);
  if (fields.length !== Object.keys(b.raw).length) return false;
  return fields.every((field) => {
    const [left, right] = [a.get(field), b.get(field)];
    if (left === undefined || right === undefined) return left === right && Object.hasOwn(b.raw, field);
    return celEqual(left, right);
  });
}

export function networkText({ ip, prefix }: Network): string {
  return `${formatIp(ip)}/${prefix}`;
}

function opaqueText(value: CelOpaque): string {
  switch (value.kind) {
    case 'Quantity':
      return String(value.of.nanos);
    case 'URL':
      return value.of.href;
    case 'IP':
      return formatIp(value.of);
    case 'CIDR':
      return networkText(value.of);
    case 'Format':
      return value.of.name;
    case 'Semver':
      return value.of.numbers.join('.') + value.of.before.join('.');
  }
}

/** Negative, zero, positive. */
export function celCompare(a: CelValue, b: CelValue): number {
  const [left, right] = [numericOf(a), numericOf(b)];
  if (left !== undefined && right !== undefined) {
    if (Number.isNaN(left) || Number.isNaN(right)) throw new CelError('NaN values cannot be ordered');
    return order(left, right);
  }
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a instanceof CelDuration && b instanceof CelDuration) return order(a.nanos, b.nanos);
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return order(a.nanos, b.nanos);
  throw noOverload();
}

function order(a: Numeric, b: Numeric): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

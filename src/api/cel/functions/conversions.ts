import { formatIp, type Ip } from '#base/ip.ts';
import { CelError } from '../cel-error.ts';
import {
  CelDuration,
  type CelList,
  type CelMap,
  type CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  type Network,
} from '../cel-value.ts';
import { networkText } from '../compare.ts';
import { goFloat } from '../go-number.ts';
import { durationText, parseDuration, parseTimestamp, timestampText } from '../time-text.ts';
import { valueType } from '../value-type.ts';
import { type CelFunction, define, once } from './cel-function.ts';
import { checkedDuration, checkedInt, checkedTime, checkedUint } from './operators.ts';

function wrong(from: string, to: string): CelError {
  return new CelError(`type conversion error from '${from}' to '${to}'`);
}

function intOf(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw wrong('string', 'int');
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(64, value) !== value) throw wrong('string', 'int');
  return value;
}

function uintOf(text: string): CelUint {
  if (!/^\d+$/.test(text)) throw wrong('string', 'uint');
  const value = BigInt(text);
  if (BigInt.asUintN(64, value) !== value) throw wrong('string', 'uint');
  return new CelUint(value);
}

function doubleOf(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw wrong('string', 'double');
  return Number(text);
}

function boolOf(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw wrong('string', 'bool');
}

function truncated(value: number): bigint {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

function durationOf(text: string): CelDuration {
  const nanos = parseDuration(text);
  if (nanos === undefined) throw wrong('string', 'google.protobuf.Duration');
  return checkedDuration(nanos);
}

function timestampOf(text: string): CelTimestamp {
  const nanos = parseTimestamp(text);
  if (nanos === undefined) throw wrong('string', 'google.protobuf.Timestamp');
  return checkedTime(nanos);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

const same = <T extends CelValue>(value: T): T => value;
const length = (text: string): bigint => BigInt(Array.from(text).length);
const NANOS = 1_000_000_000n;

function floorSeconds(nanos: bigint): bigint {
  return (nanos - (((nanos % NANOS) + NANOS) % NANOS)) / NANOS;
}

export const CONVERSIONS: readonly CelFunction[] = [
  define(
    'size',
    ...['(#) -> int', '#.() -> int'].flatMap(
      (shape) =>
        [
          [shape.replace('#', 'bytes'), (bytes: Uint8Array) => BigInt(bytes.length)],
          [shape.replace('#', 'list(A)'), (list: CelList) => BigInt(list.size)],
          [shape.replace('#', 'map(A, B)'), (map: CelMap) => BigInt(map.size)],
          [shape.replace('#', 'string'), length],
        ] as const,
    ),
  ),
  define('type', ['(A) -> type(A)', (value: CelValue) => new CelTypeValue(valueType(value))]),
  define('dyn', ['(A) -> dyn', same]),
  define('bool', ['(bool) -> bool', same<boolean>], ['(string) -> bool', boolOf]),
  define(
    'bytes',
    ['(bytes) -> bytes', same<Uint8Array>],
    ['(string) -> bytes', (text: string) => Buffer.from(text), once],
  ),
  define(
    'double',
    ['(double) -> double', same<number>],
    ['(int) -> double', (value: bigint) => Number(value)],
    ['(string) -> double', doubleOf],
    ['(uint) -> double', ({ value }: CelUint) => Number(value)],
  ),
  define(
    'int',
    ['(int) -> int', same<bigint>],
    ['(double) -> int', truncated],
    ['(duration) -> int', ({ nanos }: CelDuration) => nanos],
    ['(string) -> int', intOf],
    ['(timestamp) -> int', ({ nanos }: CelTimestamp) => floorSeconds(nanos)],
    ['(uint) -> int', ({ value }: CelUint) => checkedInt(value)],
  ),
  define(
    'uint',
    ['(uint) -> uint', same<CelUint>],
    ['(double) -> uint', (value: number) => checkedUint(truncated(value))],
    ['(int) -> uint', (value: bigint) => checkedUint(value)],
    ['(string) -> uint', uintOf],
  ),
  define(
    'string',
    ['(string) -> string', same<string>],
    ['(bool) -> string', String],
    ['(bytes) -> string', utf8, once],
    ['(double) -> string', goFloat],
    ['(duration) -> string', durationText],
    ['(int) -> string', String],
    ['(timestamp) -> string', ({ nanos }: CelTimestamp) => timestampText(nanos)],
    ['(uint) -> string', ({ value }: CelUint) => String(value)],
    ['(IP) -> string', ({ of }: { of: Ip }) => formatIp(of)],
    ['(CIDR) -> string', ({ of }: { of: Network }) => networkText(of)],
  ),
  define(
    'duration',
    ['(duration) -> duration', same<CelDuration>],
    ['(int) -> duration', (nanos: bigint) => new CelDuration(nanos)],
    ['(string) -> duration', durationOf],
  ),
  define(
    'timestamp',
    ['(timestamp) -> timestamp', same<CelTimestamp>],
    ['(int) -> timestamp', (seconds: bigint) => checkedTime(seconds * NANOS)],
    ['(string) -> timestamp', timestampOf],
  ),
];

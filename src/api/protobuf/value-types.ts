import { errorMessage } from '#base/errors.ts';
import { malformed } from './protobuf-error.ts';
import { DELIMITED, VARINT, type WireReader } from './wire-reader.ts';

/** How one type is read, the tag before it having been read already. */
export interface ValueType {
  readonly wireType: number;
  /** `previous` is what the same field held before: a message that comes in two parts is one. */
  readonly read: (reader: WireReader, previous: unknown) => unknown;
  /** What JSON shows where a field that is always there has not come. */
  readonly zero: () => unknown;
}

export function expect(wireType: number, wanted: number): void {
  if (wireType === wanted) return;
  throw malformed(`Cannot read a protobuf field: it is of the wire type ${wireType} and should be of ${wanted}`);
}

/** Goes through the fields of the message that comes next. */
export function eachField(reader: WireReader, visit: (number: number, wireType: number) => boolean): void {
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (!visit(tag >>> 3, tag & 7)) reader.skip(tag);
  }
  reader.leave(outer);
}

interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** The zero time, January of year 1, which JSON shows as null; its message is empty. */
const ZERO_TIME_SECONDS = -62_135_596_800;
/** The last second of year 9999: JSON has four digits for the year. */
const MAX_TIME_SECONDS = 253_402_300_799;

function readTimestamp(reader: WireReader): Timestamp | undefined {
  let seconds = 0;
  let nanos = 0;
  let empty = true;
  eachField(reader, (number, wireType) => {
    empty = false;
    if (number !== 1 && number !== 2) return false;
    expect(wireType, VARINT);
    if (number === 1) seconds = reader.int64();
    else nanos = reader.int32();
    return true;
  });
  if (empty) return undefined;
  return { seconds, nanos };
}

function dateText(seconds: number): string {
  if (seconds < ZERO_TIME_SECONDS || seconds > MAX_TIME_SECONDS) {
    throw malformed(`Cannot show ${seconds} s as a time: its year is not between 1 and 9999`);
  }
  return new Date(seconds * 1_000).toISOString().slice(0, 19);
}

function readTime(reader: WireReader): string | null {
  const time = readTimestamp(reader);
  // Parts of a second are not shown, and not rounded either.
  return time === undefined || time.seconds === ZERO_TIME_SECONDS ? null : `${dateText(time.seconds)}Z`;
}

function readMicroTime(reader: WireReader): string | null {
  const time = readTimestamp(reader);
  if (time === undefined) return null;
  const micros = Math.trunc(time.nanos / 1_000);
  const carry = Math.floor(micros / 1_000_000);
  const seconds = time.seconds + carry;
  const rest = micros - carry * 1_000_000;
  if (seconds === ZERO_TIME_SECONDS && rest === 0) return null;
  return `${dateText(seconds)}.${String(rest).padStart(6, '0')}Z`;
}

/** `{string: 1}` */
function readQuantity(reader: WireReader): string {
  let text = '';
  eachField(reader, (number, wireType) => {
    if (number !== 1) return false;
    expect(wireType, DELIMITED);
    text = reader.text();
    return true;
  });
  return text === '' ? '0' : text;
}

/** `{type: 1, intVal: 2, strVal: 3}`; type 0 is the integer and 1 the text. */
function readIntOrString(reader: WireReader): number | string {
  let type = 0;
  let integer = 0;
  let text = '';
  eachField(reader, (number, wireType) => {
    if (number < 1 || number > 3) return false;
    expect(wireType, number === 3 ? DELIMITED : VARINT);
    if (number === 1) type = reader.int64();
    else if (number === 2) integer = reader.int32();
    else text = reader.text();
    return true;
  });
  if (type === 0) return integer;
  if (type === 1) return text;
  throw malformed(`Cannot read an integer or string: its type is ${type}`);
}

/** `{raw: 1}`, the text of some JSON. */
function readRawJson(reader: WireReader): unknown {
  let raw = '';
  eachField(reader, (number, wireType) => {
    if (number !== 1) return false;
    expect(wireType, DELIMITED);
    raw = reader.text();
    return true;
  });
  if (raw === '') return null;
  try {
    return JSON.parse(raw) as unknown;
  } catch (error) {
    throw malformed(`Cannot read ${JSON.stringify(raw.slice(0, 40))} within protobuf: ${errorMessage(error)}`, error);
  }
}

function readDouble(reader: WireReader): number {
  const value = reader.double();
  if (Number.isFinite(value)) return value;
  throw malformed(`Cannot show ${value} in JSON: it is not a number`);
}

const FIXED64 = 1;

/** All types but models, which nest, and the schema types, which hold models. */
export const valueTypes: Readonly<Record<string, ValueType>> = {
  string: { wireType: DELIMITED, read: (reader) => reader.text(), zero: () => '' },
  bytes: { wireType: DELIMITED, read: (reader) => reader.base64(), zero: () => null },
  boolean: { wireType: VARINT, read: (reader) => reader.boolean(), zero: () => false },
  int32: { wireType: VARINT, read: (reader) => reader.int32(), zero: () => 0 },
  int64: { wireType: VARINT, read: (reader) => reader.int64(), zero: () => 0 },
  double: { wireType: FIXED64, read: readDouble, zero: () => 0 },
  time: { wireType: DELIMITED, read: readTime, zero: () => null },
  microTime: { wireType: DELIMITED, read: readMicroTime, zero: () => null },
  quantity: { wireType: DELIMITED, read: readQuantity, zero: () => '0' },
  intOrString: { wireType: DELIMITED, read: readIntOrString, zero: () => 0 },
  rawJson: { wireType: DELIMITED, read: readRawJson, zero: () => null },
};

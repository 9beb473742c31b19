import { rfc3339, rfc3339Micro } from '#base/clock.ts';
import { messageSchema, type MessageField } from './message-schema.ts';
import { WireReader, type WireType } from './wire-reader.ts';

type JsonObject = Record<string, unknown>;

/** Values of messages that have a JSON form of their own. */
const SPECIAL: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  time: (bytes) => timeOf(bytes, rfc3339),
  microTime: (bytes) => timeOf(bytes, rfc3339Micro),
  quantity: (bytes) => fieldsOf(bytes).get(1) ?? '0',
  intOrString: intOrString,
  rawJson: (bytes) => JSON.parse(String(fieldsOf(bytes).get(1) ?? 'null')) as unknown,
  duration: (bytes) => `${Number(fieldsOf(bytes).get(1) ?? 0) / 1e9}s`,
  items: listOfTexts,
};

/** Turns a message into what its JSON would have been decoded to. Throws `SyntaxError`, `TypeError` on what is broken. */
export function decodeMessage(message: string, bytes: Uint8Array): JsonObject {
  const object: JsonObject = {};
  decodeInto(object, message, bytes);
  return object;
}

function decodeInto(object: JsonObject, message: string, bytes: Uint8Array): void {
  const schema = messageSchema(message);
  if (schema === undefined) throw new TypeError(`no message ${JSON.stringify(message)} is registered`);
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { field: number, type } = reader.tag();
    const field = schema.get(number);
    if (field === undefined) reader.skip(type);
    else decodeField(object, field, reader, type);
  }
}

function decodeField(object: JsonObject, field: MessageField, reader: WireReader, wire: WireType): void {
  if (field.rule === 'inline') {
    decodeInto(object, field.type, reader.bytes());
    return;
  }
  switch (field.shape) {
    case 'one': {
      const value = decodeValue(field.type, reader, wire);
      if (value !== undefined && !(field.rule === 'nonEmpty' && isEmpty(value))) object[field.name] = value;
      return;
    }
    case 'list': {
      const list = (object[field.name] ??= []) as unknown[];
      if (field.type === 'int' && wire === 2) list.push(...packedIntegers(reader.bytes()));
      else list.push(decodeValue(field.type, reader, wire));
      return;
    }
    case 'map': {
      const map = (object[field.name] ??= {}) as JsonObject;
      const [key, value] = decodeEntry(field.type, reader.bytes());
      Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
    }
  }
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function decodeValue(type: string, reader: WireReader, wire: WireType): unknown {
  switch (type) {
    case 'string':
      return reader.text();
    case 'int':
      expect(wire, 0);
      return reader.integer();
    case 'boolean':
      expect(wire, 0);
      return reader.varint() !== 0n;
    case 'double':
      expect(wire, 1);
      return reader.double();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    default: {
      expect(wire, 2);
      const special = SPECIAL[type];
      return special === undefined ? decodeMessage(type, reader.bytes()) : special(reader.bytes());
    }
  }
}

function expect(wire: WireType, wanted: WireType): void {
  if (wire !== wanted) throw new SyntaxError(`proto: wrong wireType = ${wire}`);
}

function packedIntegers(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes);
  const numbers: number[] = [];
  while (!reader.done) numbers.push(reader.integer());
  return numbers;
}

/** An entry of a map is a message of key and value. */
function decodeEntry(type: string, bytes: Uint8Array): readonly [string, unknown] {
  const reader = new WireReader(bytes);
  let key = '';
  let value: unknown = type === 'string' || type === 'bytes' ? '' : undefined;
  while (!reader.done) {
    const { field, type: wire } = reader.tag();
    if (field === 1) key = reader.text();
    else if (field === 2) value = decodeValue(type, reader, wire);
    else reader.skip(wire);
  }
  return [key, value];
}

/** Numbers and texts of a small message, by field number. */
function fieldsOf(bytes: Uint8Array): ReadonlyMap<number, number | string> {
  const reader = new WireReader(bytes);
  const fields = new Map<number, number | string>();
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (type === 0) fields.set(field, reader.integer());
    else if (type === 2) fields.set(field, reader.text());
    else reader.skip(type);
  }
  return fields;
}

/** An empty message is the zero time, which means that there is none. */
function timeOf(bytes: Uint8Array, format: (ms: number) => string): string | undefined {
  const fields = fieldsOf(bytes);
  const seconds = fields.get(1);
  if (seconds === undefined) return undefined;
  return format(Number(seconds) * 1_000 + Number(fields.get(2) ?? 0) / 1e6);
}

function intOrString(bytes: Uint8Array): number | string {
  const fields = fieldsOf(bytes);
  return fields.get(1) === 1 ? String(fields.get(3) ?? '') : Number(fields.get(2) ?? 0);
}

function listOfTexts(bytes: Uint8Array): string[] {
  const reader = new WireReader(bytes);
  const items: string[] = [];
  while (!reader.done) {
    const { type } = reader.tag();
    if (type === 2) items.push(reader.text());
    else reader.skip(type);
  }
  return items;
}

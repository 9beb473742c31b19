import { type MessageField, messageFields } from './field-line.ts';
import { schemaTypes } from './schema-types.ts';
import { eachField, expect, type ValueType, valueTypes } from './value-types.ts';
import { DELIMITED, type WireReader } from './wire-reader.ts';

type Members = Record<string, unknown>;
type ReadField = (reader: WireReader, wireType: number, members: Members) => void;

/** What to do with each field of a message, by its number. */
interface Message {
  readonly fields: readonly (ReadField | undefined)[];
  /** Fields that JSON always shows. */
  readonly always: readonly { readonly name: string; readonly zero: () => unknown }[];
}

const messages = new Map<string, Message>();

/** Compiled when first met: models refer to each other, some to themselves. */
function messageOf(model: string): Message {
  const known = messages.get(model);
  if (known !== undefined) return known;
  const fields = messageFields(model).map((field) => ({ ...field, of: typeOf(field.type, `${model}.${field.name}`) }));
  const always = fields.flatMap(({ name, presence, type, of }) => {
    if (presence === 'always') return [{ name, zero: type.startsWith('[]') ? none : of.zero }];
    return presence === 'null' ? [{ name, zero: none }] : [];
  });
  const message = { fields: readersOf(fields, 0), always };
  messages.set(model, message);
  return message;
}

const none = (): null => null;

type TypedField = MessageField & { readonly of: ValueType };

/** Readers by the number at `depth` of the fields' paths. */
function readersOf(fields: readonly TypedField[], depth: number): readonly (ReadField | undefined)[] {
  const readers: (ReadField | undefined)[] = [];
  for (const [number, group] of Map.groupBy(fields, ({ path }) => path[depth] ?? 0)) {
    while (readers.length < number) readers.push(undefined);
    const [first] = group;
    const isLast = first?.path.length === depth + 1;
    readers[number] = first !== undefined && isLast ? fieldReader(first) : inlineReader(readersOf(group, depth + 1));
  }
  return readers;
}

function fieldReader({ name, presence, type, of }: TypedField): ReadField {
  if (type.startsWith('[]')) return listReader(name, itemTypeOf(type, name));
  const { wireType: wanted, read } = of;
  if (presence !== 'dropped') {
    return (reader, wireType, members) => {
      expect(wireType, wanted);
      members[name] = read(reader, members[name]);
    };
  }
  return (reader, wireType, members) => {
    expect(wireType, wanted);
    const value = read(reader, undefined);
    if (value !== '' && value !== 0 && value !== false && value !== null) members[name] = value;
    // The last one counts, also when it is empty.
    else if (members[name] !== undefined) delete members[name];
  };
}

/** A message whose members JSON has one level up. */
function inlineReader(fields: readonly (ReadField | undefined)[]): ReadField {
  return (reader, wireType, members) => {
    expect(wireType, DELIMITED);
    const outer = reader.enter();
    readFields(fields, reader, members);
    reader.leave(outer);
  };
}

/** Items come one field each, or packed into one where they are numbers. */
function listReader(name: string, { wireType: wanted, read }: ValueType): ReadField {
  return (reader, wireType, members) => {
    const known = members[name];
    const list: unknown[] = Array.isArray(known) ? known : (members[name] = []);
    if (wireType === wanted) {
      list.push(read(reader, undefined));
      return;
    }
    expect(wireType, DELIMITED);
    const outer = reader.enter();
    while (reader.more) list.push(read(reader, undefined));
    reader.leave(outer);
  };
}

function readFields(fields: readonly (ReadField | undefined)[], reader: WireReader, members: Members): void {
  while (reader.more) {
    const tag = reader.tag();
    const field = fields[tag >>> 3];
    if (field === undefined) reader.skip(tag);
    else field(reader, tag & 7, members);
  }
}

function addAlways(message: Message, members: Members): Members {
  for (const { name, zero } of message.always) {
    if (members[name] === undefined) members[name] = zero();
  }
  return members;
}

/** All of a message that has no length before it. */
export function readMessage(model: string, reader: WireReader): Members {
  const message = messageOf(model);
  const members: Members = {};
  readFields(message.fields, reader, members);
  return addAlways(message, members);
}

const models = new Map<string, ValueType>();

function modelType(model: string): ValueType {
  const known = models.get(model);
  if (known !== undefined) return known;
  let message: Message | undefined;
  const type: ValueType = {
    wireType: DELIMITED,
    read: (reader, previous) => {
      message ??= messageOf(model);
      const members = isMembers(previous) ? previous : {};
      const outer = reader.enter();
      readFields(message.fields, reader, members);
      reader.leave(outer);
      return addAlways(message, members);
    },
    zero: () => addAlways((message ??= messageOf(model)), {}),
  };
  models.set(model, type);
  return type;
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

const schemas = schemaTypes(() => modelType('JSONSchemaProps'));

function typeOf(type: string, field: string): ValueType {
  if (type.startsWith('[]')) return wrappedList(itemTypeOf(type, field));
  if (type.startsWith('{}')) return mapType(type.slice(2), field);
  return valueTypes[type] ?? schemas[type] ?? modelType(type);
}

function itemTypeOf(type: string, field: string): ValueType {
  return typeOf(type.slice(2), field);
}

/** `{items: 1}`, the form of a list as the value of a map; as a field of its own a list is read by `listReader`. */
function wrappedList(item: ValueType): ValueType {
  return {
    wireType: DELIMITED,
    read: (reader) => {
      const list: unknown[] = [];
      eachField(reader, (number, wireType) => {
        if (number !== 1) return false;
        expect(wireType, item.wireType);
        list.push(item.read(reader, undefined));
        return true;
      });
      return list;
    },
    zero: () => [],
  };
}

/** Each member is a message `{key: 1, value: 2}`. */
function mapType(type: string, field: string): ValueType {
  const value = typeOf(type, field);
  // Bytes are null where there are none, but not as a member of a map.
  const zero = type === 'bytes' ? () => '' : value.zero;
  return {
    wireType: DELIMITED,
    read: (reader, previous) => {
      const members = isMembers(previous) ? previous : {};
      readMember(reader, members, value, zero);
      return members;
    },
    zero: () => null,
  };
}

function readMember(reader: WireReader, members: Members, type: ValueType, zero: () => unknown): void {
  let key = '';
  let value: unknown;
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expect(wireType, number === 1 ? DELIMITED : type.wireType);
    if (number === 1) key = reader.text();
    else value = type.read(reader, undefined);
    return true;
  });
  value ??= value === null ? null : zero();
  // An assignment would set the prototype.
  if (key === '__proto__') {
    Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true });
  } else members[key] = value;
}

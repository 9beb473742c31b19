import { eachField, expect, type ValueType } from './value-types.ts';
import { DELIMITED, VARINT, type WireReader } from './wire-reader.ts';

/**
 * Fields of JSON schemas that hold either a schema or something else. `schema` reads the message of one; it is a function,
 * since schemas nest.
 */
export function schemaTypes(schema: () => ValueType): Readonly<Record<string, ValueType>> {
  return {
    schemaOrBool: delimited(schema, 'false', readSchemaOrBool),
    schemaOrArray: delimited(schema, 'null', readSchemaOrArray),
    schemaOrStrings: delimited(schema, 'null', readSchemaOrStrings),
  };
}

function delimited(
  schema: () => ValueType,
  zero: 'false' | 'null',
  read: (reader: WireReader, schema: ValueType) => unknown,
): ValueType {
  return {
    wireType: DELIMITED,
    read: (reader) => read(reader, schema()),
    zero: () => (zero === 'false' ? false : null),
  };
}

/** `{allows: 1, schema: 2}` */
function readSchemaOrBool(reader: WireReader, type: ValueType): unknown {
  let allows = false;
  let schema: unknown;
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expect(wireType, number === 1 ? VARINT : DELIMITED);
    if (number === 1) allows = reader.boolean();
    else schema = type.read(reader, schema);
    return true;
  });
  return schema ?? allows;
}

/** `{schema: 1, jSONSchemas: 2}` */
function readSchemaOrArray(reader: WireReader, type: ValueType): unknown {
  let schema: unknown = null;
  const schemas: unknown[] = [];
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expect(wireType, DELIMITED);
    if (number === 1) schema = type.read(reader, schema);
    else schemas.push(type.read(reader, undefined));
    return true;
  });
  return schemas.length > 0 ? schemas : schema;
}

/** `{schema: 1, property: 2}` */
function readSchemaOrStrings(reader: WireReader, type: ValueType): unknown {
  let schema: unknown = null;
  const names: string[] = [];
  eachField(reader, (number, wireType) => {
    if (number !== 1 && number !== 2) return false;
    expect(wireType, DELIMITED);
    if (number === 1) schema = type.read(reader, schema);
    else names.push(reader.text());
    return true;
  });
  return names.length > 0 ? names : schema;
}

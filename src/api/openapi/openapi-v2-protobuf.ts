import { ProtoWriter } from './proto-writer.ts';
import type { Schema } from './model-schema.ts';

/**
 * The Content-Type of the answer. Clients ask for `v2@v1.0`, but that is no legal media type: Go's parser stops at it
 * when it comes back.
 */
export const OPENAPI_V2_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** True when an Accept header asks for the protobuf form, by either name. */
export function acceptsOpenApiV2Protobuf(accept: string): boolean {
  return /application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/.test(accept);
}

/**
 * A Swagger 2.0 document in gnostic's protobuf form (openapi.v2.Document), which kubectl asks for first and old ones ask
 * for only. Field numbers are those of OpenAPIv2.proto; of it, what `openapi-v2.ts` writes is covered. Extensions travel
 * as YAML text, and JSON is YAML.
 */
export function encodeOpenApiV2(document: Schema): Uint8Array {
  const out = new ProtoWriter();
  out.string(1, textOf(document['swagger']));
  out.message(2, () => {
    const info = document['info'] as Schema;
    out.string(1, textOf(info['title']));
    out.string(2, textOf(info['version']));
  });
  out.message(8, () => {
    for (const [path, item] of membersOf(document['paths'])) {
      named(out, 2, path, () => writePathItem(out, item));
    }
  });
  out.message(9, () => {
    for (const [name, schema] of membersOf(document['definitions']))
      named(out, 1, name, () => writeSchema(out, schema));
  });
  return out.bytes();
}

/** NamedX { string name = 1; X value = 2; } */
function named(out: ProtoWriter, field: number, name: string, write: () => void): void {
  out.message(field, () => {
    out.string(1, name);
    out.message(2, write);
  });
}

/** PathItem: get 2, put 3, post 4, delete 5, patch 8, parameters 9. */
const METHOD_FIELDS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function writePathItem(out: ProtoWriter, item: Schema): void {
  for (const [method, field] of Object.entries(METHOD_FIELDS)) {
    const operation = item[method];
    if (operation !== undefined) out.message(field, () => writeOperation(out, operation as Schema));
  }
  writeParameters(out, 9, item['parameters']);
}

function writeOperation(out: ProtoWriter, operation: Schema): void {
  out.string(5, textOf(operation['operationId']));
  writeParameters(out, 8, operation['parameters']);
  out.message(9, () => {
    for (const [code, response] of membersOf(operation['responses'])) {
      // ResponseValue { Response response = 1 }, Response { string description = 1 }
      named(out, 1, code, () => out.message(1, () => out.string(1, textOf(response['description']))));
    }
  });
  writeExtensions(out, 13, operation);
}

function writeParameters(out: ProtoWriter, field: number, parameters: unknown): void {
  for (const parameter of (parameters ?? []) as readonly Schema[]) {
    // ParametersItem { Parameter parameter = 1 }
    out.message(field, () => out.message(1, () => writeParameter(out, parameter)));
  }
}

function writeParameter(out: ProtoWriter, parameter: Schema): void {
  const name = textOf(parameter['name']);
  const place = textOf(parameter['in']);
  if (place === 'body') {
    out.message(1, () => {
      out.string(2, name);
      out.string(3, place);
      out.bool(4, true);
      out.message(5, () => writeSchema(out, parameter['schema'] as Schema));
    });
    return;
  }
  // NonBodyParameter: query 3, path 4. The two differ in their numbers: only a query may have an empty value.
  const query = place === 'query';
  out.message(2, () =>
    out.message(query ? 3 : 4, () => {
      if (parameter['required'] === true) out.bool(1, true);
      out.string(2, place);
      out.string(4, name);
      out.string(query ? 6 : 5, textOf(parameter['type']));
      out.bool(query ? 20 : 19, true);
    }),
  );
}

const SCHEMA_STRINGS: Readonly<Record<string, number>> = { $ref: 1, format: 2, title: 3, description: 4, pattern: 13 };
const SCHEMA_INTS: Readonly<Record<string, number>> = {
  maxLength: 11,
  minLength: 12,
  maxItems: 14,
  minItems: 15,
  maxProperties: 17,
  minProperties: 18,
};
const SCHEMA_DOUBLES: Readonly<Record<string, number>> = { multipleOf: 6, maximum: 7, minimum: 9 };
const SCHEMA_BOOLS: Readonly<Record<string, number>> = { exclusiveMaximum: 8, exclusiveMinimum: 10, uniqueItems: 16 };

function writeSchema(out: ProtoWriter, schema: Schema): void {
  writeScalars(out, schema);
  for (const name of (schema['required'] ?? []) as readonly string[]) out.string(19, name);
  for (const value of (schema['enum'] ?? []) as readonly unknown[]) out.message(20, () => writeAny(out, value));
  const additional = schema['additionalProperties'];
  if (typeof additional === 'boolean') out.message(21, () => out.bool(2, additional));
  else if (additional !== undefined) {
    out.message(21, () => out.message(1, () => writeSchema(out, additional as Schema)));
  }
  const type = schema['type'];
  if (typeof type === 'string') out.message(22, () => out.string(1, type));
  const items = schema['items'];
  if (items !== undefined) out.message(23, () => out.message(1, () => writeSchema(out, items as Schema)));
  const properties = schema['properties'];
  if (properties !== undefined) {
    out.message(25, () => {
      for (const [name, member] of membersOf(properties)) named(out, 1, name, () => writeSchema(out, member));
    });
  }
  writeExtensions(out, 31, schema);
}

function writeScalars(out: ProtoWriter, schema: Schema): void {
  for (const [key, value] of Object.entries(schema)) {
    const field = SCHEMA_STRINGS[key];
    if (field !== undefined && typeof value === 'string') out.string(field, value);
    else if (typeof value === 'number') {
      if (SCHEMA_INTS[key] !== undefined) out.int(SCHEMA_INTS[key], value);
      else if (SCHEMA_DOUBLES[key] !== undefined) out.double(SCHEMA_DOUBLES[key], value);
    } else if (typeof value === 'boolean' && SCHEMA_BOOLS[key] !== undefined) out.bool(SCHEMA_BOOLS[key], value);
  }
  if (schema['default'] !== undefined) out.message(5, () => writeAny(out, schema['default']));
}

function writeExtensions(out: ProtoWriter, field: number, holder: Schema): void {
  for (const [name, value] of Object.entries(holder)) {
    if (name.startsWith('x-')) named(out, field, name, () => writeAny(out, value));
  }
}

/** Any { google.protobuf.Any value = 1; string yaml = 2; }: readers use the text. */
function writeAny(out: ProtoWriter, value: unknown): void {
  out.string(2, `${JSON.stringify(value)}\n`);
}

function membersOf(value: unknown): [string, Schema][] {
  return Object.entries((value ?? {}) as Record<string, Schema>);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

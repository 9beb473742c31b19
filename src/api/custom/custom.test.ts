import assert from 'node:assert/strict';
import test from 'node:test';
import { fieldErrorText } from '../field-error.ts';
import { fillDefaults } from './fill-defaults.ts';
import { jsonPathText, parseJsonPath } from './json-path.ts';
import { pruneUnknown } from './prune.ts';
import { validateSchema } from './schema-validation.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { validateValue } from './value-validation.ts';

const string: StructuralSchema = { type: 'string' };
const spec: StructuralSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 4, pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 1, maximum: 3, default: 2 },
    color: { type: 'string', enum: ['red', 'blue'] },
    port: { 'x-kubernetes-int-or-string': true },
    since: { type: 'string', format: 'date-time', nullable: true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: string } },
    map: { type: 'object', additionalProperties: { type: 'integer' } },
    list: {
      type: 'array',
      maxItems: 2,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
      items: { type: 'object', properties: { id: string, on: { type: 'boolean', default: true } } },
    },
    one: { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }], properties: { a: string, b: string } },
  },
};
const schema: StructuralSchema = { type: 'object', properties: { spec } };

const values: readonly { value: object; errors: readonly string[] }[] = [
  { value: { name: 'ab', count: 3, color: 'red', port: 80, since: null, map: { a: 1 }, one: { a: 'x' } }, errors: [] },
  { value: {}, errors: ['spec.name: Required value'] },
  {
    value: { name: 'A', count: 0, color: 'green' },
    errors: [
      'spec.name: Invalid value: "A": spec.name in body should be at least 2 chars long',
      'spec.name: Invalid value: "A": spec.name in body should match \'^[a-z]+$\'',
      'spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1',
      'spec.color: Unsupported value: "green": supported values: "red", "blue"',
    ],
  },
  {
    value: { name: 'abcde', count: 'x', port: 1.5, since: 'now', free: null, map: { a: 'x' } },
    errors: [
      'spec.name: Too long: may not be more than 4 bytes',
      'spec.count: Invalid value: "string": spec.count in body must be of type integer: "string"',
      'spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number"',
      'spec.since: Invalid value: "now": spec.since in body must be of type date-time: "now"',
      'spec.free: Invalid value: "null": spec.free in body must be of type object: "null"',
      'spec.map.a: Invalid value: "string": spec.map.a in body must be of type integer: "string"',
    ],
  },
  {
    value: { name: 'ab', list: [{ id: 'a' }, { id: 'a' }, { id: 1 }], one: {} },
    errors: [
      'spec.list: Too many: 3: must have at most 2 items',
      'spec.list[2].id: Invalid value: "integer": spec.list[2].id in body must be of type string: "integer"',
      'spec.list[1]: Duplicate value: {"id":"a"}',
      'spec.one: Invalid value: {}: "spec.one" must validate one and only one schema (oneOf). Found none valid',
    ],
  },
];

for (const { value, errors } of values) {
  test(`validateValue() of ${JSON.stringify(value)}`, () => {
    assert.deepEqual(validateValue({ spec: value }, schema).map(fieldErrorText), errors);
  });
}

test('pruneUnknown() keeps what the schema has, and all where it says so', () => {
  const value = {
    kind: 'K',
    metadata: { x: 1 },
    spec: { foo: 1, free: { a: 1 }, list: [{ id: 'a', no: 1 }], map: { z: 1 } },
  };
  assert.deepEqual(pruneUnknown(value, schema, true), {
    value: { kind: 'K', metadata: { x: 1 }, spec: { free: { a: 1 }, list: [{ id: 'a' }], map: { z: 1 } } },
    unknown: ['spec.foo', 'spec.list[0].no'],
  });
});

test('fillDefaults() fills in below what is there only', () => {
  assert.deepEqual(fillDefaults({ spec: { count: null, list: [{ id: 'a' }] } }, schema), {
    spec: { count: 2, list: [{ id: 'a', on: true }] },
  });
  const empty = {};
  assert.equal(fillDefaults(empty, schema), empty);
});

const object = {
  spec: { 'a.b': 1, name: 'x', list: [{ type: 'Ready', status: 'True' }, { type: 'Other' }], n: { deep: [1, 2] } },
};
const paths: readonly (readonly [string, string | undefined])[] = [
  ['.spec.name', 'x'],
  ['{.spec.name}', 'x'],
  ['$.spec.name', 'x'],
  [".spec['a.b']", '1'],
  [String.raw`.spec.a\.b`, '1'],
  ['.spec.n.deep[1]', '2'],
  ['.spec.n.deep[*]', '1 2'],
  ['.spec.n', '{"deep":[1,2]}'],
  ['.spec.list[?(@.type=="Ready")].status', 'True'],
  ["[?(@.name=='x')].n.deep[0]", '1'],
  ['.spec.none', ''],
  ['.spec[', undefined],
  ['a b', undefined],
];

for (const [path, text] of paths) {
  test(`parseJsonPath() of ${path}`, () => {
    const found = parseJsonPath(path)?.(object);
    assert.equal(found === undefined ? undefined : jsonPathText(found), text);
  });
}

const schemas: readonly { schema: unknown; errors: readonly string[] }[] = [
  { schema, errors: [] },
  { schema: {}, errors: ['s.type: Required value: must not be empty at the root'] },
  { schema: { type: 'string' }, errors: ['s.type: Invalid value: "string": must be object at the root'] },
  {
    schema: { type: 'object', properties: { a: {}, b: { type: 'array' }, c: { type: 'array', items: {} } } },
    errors: [
      's.properties[a].type: Required value: must not be empty for specified object fields',
      's.properties[b].items: Required value: must be specified',
      's.properties[c].items.type: Required value: must not be empty for specified array items',
    ],
  },
  {
    schema: { type: 'object', properties: { a: { type: 'array', uniqueItems: true, items: 'x' } } },
    errors: [
      's.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      's.properties[a].items: Invalid value: "x": json: cannot unmarshal string into Go value of type v1.JSONSchemaProps',
    ],
  },
  {
    schema: { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
    errors: [
      's.properties[a].default: Invalid value: "string": s.properties[a].default in body must be of type integer: "string"',
    ],
  },
];

for (const { schema: given, errors } of schemas) {
  test(`validateSchema() of ${JSON.stringify(given).slice(0, 60)}`, () => {
    assert.deepEqual(validateSchema(given as StructuralSchema, 's').map(fieldErrorText), errors);
  });
}

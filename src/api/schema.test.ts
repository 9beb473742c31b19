import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS } from './generated/fields.ts';
import { NAMED } from './go-types.ts';
import { modelSchema, QUANTITIES, SCALARS } from './schema.ts';
import { MEANINGFUL_EMPTY, MEANINGFUL_EMPTY_LIST, MEANINGLESS_ZERO } from './zero-values.ts';

test('modelSchema() decodes a line of FIELDS', () => {
  const fields = [...(modelSchema('ServicePort')?.fields.values() ?? [])];
  assert.deepEqual(
    fields.map(({ name, required, type }) => `${name}${required ? '!' : '?'}${type}`),
    ['appProtocol?string', 'name?string', 'nodePort?int32', 'port!int32', 'protocol?string', 'targetPort?intOrString'],
  );
  assert.equal(modelSchema('Nothing'), undefined);
});

test('every type of FIELDS is a scalar or a model', () => {
  const unknown = Object.keys(FIELDS).flatMap((model) =>
    [...(modelSchema(model)?.fields.values() ?? [])]
      .map(({ type }) => type.replace(/^(\[\]|\{\})*/, ''))
      .filter((type) => !SCALARS.has(type) && FIELDS[type] === undefined),
  );
  assert.deepEqual(unknown, []);
});

test('every fact about a field is about one that exists', () => {
  const facts = [
    ...Object.keys(NAMED),
    ...Object.keys(QUANTITIES),
    ...MEANINGFUL_EMPTY,
    ...MEANINGFUL_EMPTY_LIST,
    ...MEANINGLESS_ZERO,
  ];
  const missing = facts.filter((fact) => {
    const [model = '', field = ''] = fact.split('.');
    return modelSchema(model)?.fields.has(field) !== true;
  });
  assert.deepEqual(missing, []);
});

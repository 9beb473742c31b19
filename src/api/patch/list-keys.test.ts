import assert from 'node:assert/strict';
import test from 'node:test';
import { fieldsOf, itemType } from './field-type.ts';
import { declaredFields, listMerge } from './list-keys.ts';

test('every field of the table is one of a model, and its keys are fields of the items', () => {
  const wrong = declaredFields().flatMap((name) => {
    const [model = '', field = ''] = name.split('.');
    const type = fieldsOf(model).get(field)?.type;
    if (type === undefined) return [`${name}: no such field`];
    const { mergeKey, mapKeys } = listMerge(model, field);
    const keys = [...mapKeys, ...(mergeKey === undefined ? [] : [mergeKey])];
    const item = itemType(type) ?? '';
    return keys.filter((key) => !fieldsOf(item).has(key)).map((key) => `${name}: items have no ${key}`);
  });
  assert.deepEqual(wrong, []);
});

const cases: readonly (readonly [string, string, string])[] = [
  ['ServiceSpec', 'ports', 'merge port map port,protocol'],
  ['Container', 'ports', 'merge containerPort map containerPort,protocol'],
  ['Container', 'env', 'merge name map name'],
  ['PodSpec', 'tolerations', 'replace - atomic -'],
  ['PodSpec', 'volumes', 'merge name map name'],
  ['PodSpec', 'topologySpreadConstraints', 'merge topologyKey map topologyKey,whenUnsatisfiable'],
  ['ObjectMeta', 'finalizers', 'merge - set -'],
  ['ObjectMeta', 'ownerReferences', 'merge uid map uid'],
  ['DeploymentStatus', 'conditions', 'merge type map type'],
  ['EndpointSlice', 'endpoints', 'replace - atomic -'],
  ['Endpoint', 'addresses', 'replace - set -'],
];

for (const [model, field, expected] of cases) {
  test(`listMerge() knows ${model}.${field}`, () => {
    const { strategy, mergeKey, listType, mapKeys } = listMerge(model, field);
    assert.equal(`${strategy} ${mergeKey ?? '-'} ${listType} ${mapKeys.join(',') || '-'}`, expected);
  });
}

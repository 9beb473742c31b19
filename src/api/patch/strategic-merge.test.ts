import assert from 'node:assert/strict';
import test from 'node:test';
import { PatchError } from './patch-error.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';

function outcome(document: unknown, patch: unknown, model: string): string {
  const before = JSON.stringify([document, patch]);
  try {
    return JSON.stringify(applyStrategicMergePatch(document, patch, model));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return `${error.httpStatus} ${error.reason}: ${error.detail}`;
  } finally {
    assert.equal(JSON.stringify([document, patch]), before, 'the arguments stay as they are');
  }
}

const cases: readonly (readonly [name: string, model: string, document: string, patch: string, expected: string])[] = [
  ['replaces scalars', 'ServiceSpec', '{"type":"ClusterIP"}', '{"type":"NodePort"}', '{"type":"NodePort"}'],
  ['deletes by null', 'ServiceSpec', '{"type":"ClusterIP","clusterIP":"1"}', '{"type":null}', '{"clusterIP":"1"}'],
  ['ignores null for what is absent', 'ServiceSpec', '{}', '{"type":null,"selector":{"a":null}}', '{"selector":{}}'],
  [
    'replaces a list without a merge key',
    'ServiceSpec',
    '{"externalIPs":["1","2"]}',
    '{"externalIPs":["3"]}',
    '{"externalIPs":["3"]}',
  ],
  [
    'merges a list by its key, new items in front',
    'PodSpec',
    '{"containers":[{"name":"a","image":"1"}]}',
    '{"containers":[{"name":"b","image":"2"}]}',
    '{"containers":[{"name":"b","image":"2"},{"name":"a","image":"1"}]}',
  ],
  [
    'merges items',
    'PodSpec',
    '{"containers":[{"name":"a","image":"1"},{"name":"b"}]}',
    '{"containers":[{"name":"b","image":"2"}]}',
    '{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}',
  ],
  [
    'takes the first of two ports with one number',
    'ServiceSpec',
    '{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}',
    '{"ports":[{"port":53,"name":"x"}]}',
    '{"ports":[{"port":53,"protocol":"UDP","name":"x"},{"port":53,"protocol":"TCP"}]}',
  ],
  [
    'deletes an item',
    'PodSpec',
    '{"containers":[{"name":"a"},{"name":"b"}]}',
    '{"containers":[{"name":"a","$patch":"delete"}]}',
    '{"containers":[{"name":"b"}]}',
  ],
  [
    'replaces a merged list on demand',
    'PodSpec',
    '{"containers":[{"name":"a"}]}',
    '{"containers":[{"name":"b"},{"$patch":"replace"}]}',
    '{"containers":[{"name":"b"}]}',
  ],
  [
    'replaces a map on demand',
    'ServiceSpec',
    '{"selector":{"a":"1"}}',
    '{"selector":{"b":"2","$patch":"replace"}}',
    '{"selector":{"b":"2"}}',
  ],
  [
    'empties a map on demand',
    'ServiceSpec',
    '{"selector":{"a":"1"}}',
    '{"selector":{"$patch":"delete"}}',
    '{"selector":{}}',
  ],
  [
    'drops a directive that has nothing to act on',
    'PodSpec',
    '{}',
    '{"containers":[{"name":"a","$patch":"delete"},{"name":"b"}]}',
    '{"containers":[{"name":"b"}]}',
  ],
  [
    'merges scalars without doubles',
    'ObjectMeta',
    '{"finalizers":["a","b"]}',
    '{"finalizers":["c","a"]}',
    '{"finalizers":["c","a","b"]}',
  ],
  [
    'deletes scalars from a list',
    'ObjectMeta',
    '{"finalizers":["a","b","c"]}',
    '{"$deleteFromPrimitiveList/finalizers":["b"]}',
    '{"finalizers":["a","c"]}',
  ],
  [
    'orders scalars',
    'ObjectMeta',
    '{"finalizers":["a","b","c"]}',
    '{"$setElementOrder/finalizers":["c","a"]}',
    '{"finalizers":["b","c","a"]}',
  ],
  [
    'orders items and keeps the others in place',
    'PodSpec',
    '{"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]}',
    '{"$setElementOrder/containers":[{"name":"b"},{"name":"n"},{"name":"a"}],"containers":[{"name":"n"}]}',
    '{"containers":[{"name":"s"},{"name":"b"},{"name":"n"},{"name":"a"}]}',
  ],
  [
    'ignores an order for a list that is not there',
    'PodSpec',
    '{}',
    '{"$setElementOrder/containers":[{"name":"b"}]}',
    '{}',
  ],
  [
    'keeps only the named keys',
    'DeploymentSpec',
    '{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}',
    '{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}',
    '{"strategy":{"type":"Recreate"}}',
  ],
  [
    'switches the kind of a volume',
    'PodSpec',
    '{"volumes":[{"name":"v","emptyDir":{}}]}',
    '{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"}}]}',
    '{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}',
  ],
  [
    'merges env and mounts of a container',
    'Container',
    '{"env":[{"name":"A","value":"1"}],"volumeMounts":[{"name":"v","mountPath":"/a"}]}',
    '{"env":[{"name":"A","value":"2"}],"volumeMounts":[{"name":"v","mountPath":"/b"}]}',
    '{"env":[{"name":"A","value":"2"}],"volumeMounts":[{"name":"v","mountPath":"/b"},{"name":"v","mountPath":"/a"}]}',
  ],
  [
    'replaces the selector of a disruption budget',
    'PodDisruptionBudget',
    '{"spec":{"selector":{"matchLabels":{"a":"1"}}}}',
    '{"spec":{"selector":{"matchLabels":{"b":"2"}}}}',
    '{"spec":{"selector":{"matchLabels":{"b":"2"}}}}',
  ],
  [
    'knows no keys inside a map of models',
    'JSONSchemaProps',
    '{"properties":{"allOf":{"type":"a"}}}',
    '{"properties":{"allOf":{"format":"b"}}}',
    '{"properties":{"allOf":{"type":"a","format":"b"}}}',
  ],
  [
    'keeps a key named __proto__',
    'ConfigMap',
    '{"data":{}}',
    '{"data":{"__proto__":"x"}}',
    '{"data":{"__proto__":"x"}}',
  ],
  [
    'refuses an unknown directive',
    'ServiceSpec',
    '{"selector":{}}',
    '{"selector":{"$patch":"frob","a":"b"}}',
    '500 : unknown patch type: frob in map: map[$patch:frob a:b]',
  ],
  [
    'refuses an item without its key',
    'PodSpec',
    '{"containers":[{"name":"a"}]}',
    '{"containers":[{"image":"x"}]}',
    '500 : map: map[image:x] does not contain declared merge key: name',
  ],
  [
    'refuses retainKeys that miss a key',
    'DeploymentSpec',
    '{"strategy":{}}',
    '{"strategy":{"$retainKeys":["type"],"rollingUpdate":{}}}',
    '400 BadRequest: invalid patch format of retainKeys',
  ],
  [
    'refuses an order that the patch breaks',
    'ObjectMeta',
    '{"finalizers":["a","b"]}',
    '{"$setElementOrder/finalizers":["a","b"],"finalizers":["b","a"]}',
    "500 : The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n",
  ],
  [
    'refuses a patch that is a list',
    'Pod',
    '{}',
    '[]',
    '400 BadRequest: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
];

for (const [name, model, document, patch, expected] of cases) {
  test(`applyStrategicMergePatch() ${name}`, () => {
    assert.equal(outcome(JSON.parse(document), JSON.parse(patch), model), expected);
  });
}

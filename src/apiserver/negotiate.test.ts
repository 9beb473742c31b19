import assert from 'node:assert/strict';
import test from 'node:test';
import { DISCOVERY_SHAPES, negotiate, OBJECT_SHAPES } from './negotiate.ts';
import { StatusError } from './status-error.ts';

const cases = [
  { accept: undefined, chosen: 'json' },
  { accept: '*/*', chosen: 'json' },
  { accept: 'application/json, */*', chosen: 'json' },
  { accept: 'application/vnd.kubernetes.protobuf,application/json', chosen: 'json' },
  { accept: 'application/yaml', chosen: 'yaml' },
  {
    accept:
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
    chosen: 'json Table v1',
  },
  { accept: 'application/json;as=Table;v=v2;g=meta.k8s.io,application/json', chosen: 'json' },
  { accept: 'application/json;q=0.5,application/json;as=Table;v=v1;g=meta.k8s.io', chosen: 'json Table v1' },
  { accept: 'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,application/json', chosen: 'json' },
  { accept: 'text/html', chosen: 'only the following media types are accepted: application/json, application/yaml' },
];

for (const { accept, chosen } of cases) {
  test(`negotiate() of ${accept ?? 'nothing'}`, () => {
    try {
      const { format, as, version } = negotiate(accept, OBJECT_SHAPES);
      assert.equal([format, as, version].filter(Boolean).join(' '), chosen);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      assert.equal(error.message, chosen);
    }
  });
}

test('negotiate() of discovery', () => {
  const accept =
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
  assert.deepEqual(negotiate(accept, DISCOVERY_SHAPES), { format: 'json', as: 'APIGroupDiscoveryList', version: 'v2' });
});

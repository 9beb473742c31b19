import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryStore } from '#store/memory-store.ts';
import { outcome, TestServer } from '../../testing/test-server.ts';

const POLICIES = '/apis/admissionregistration.k8s.io/v1';

test('a policy that looks at namespaces is not in the way of what it is not about', async () => {
  const store = new MemoryStore();
  const map = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'gone', uid: 'a' } };
  await store.txn([], [{ kind: 'put', key: '/registry/core/configmaps/gone/a', value: JSON.stringify(map) }]);
  await using server = await TestServer.start({ store });
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['secrets'] };
  const namespaceSelector = { matchLabels: { a: 'b' } };
  const spec = {
    matchConstraints: { resourceRules: [rule], namespaceSelector },
    validations: [{ expression: 'false' }],
  };
  await server.post(`${POLICIES}/validatingadmissionpolicies`, { metadata: { name: 'p' }, spec });
  const bound = { policyName: 'p', validationActions: ['Deny'] };
  await server.post(`${POLICIES}/validatingadmissionpolicybindings`, { metadata: { name: 'b' }, spec: bound });
  assert.equal(outcome(await server.delete('/api/v1/namespaces/gone/configmaps/a')), '200');
});

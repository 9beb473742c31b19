import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from './api-client.ts';
import { discoverResources, supports } from './discovery.ts';

const answers: Readonly<Record<string, unknown>> = {
  '/apis': { groups: [{ preferredVersion: { groupVersion: 'apps/v1' } }] },
  '/api/v1': {
    groupVersion: 'v1',
    resources: [
      { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['get', 'list'] },
      { name: 'pods/log', kind: 'Pod', namespaced: true, verbs: ['get'] },
    ],
  },
  '/apis/apps/v1': {
    groupVersion: 'apps/v1',
    resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs: ['list', 'watch'] }],
  },
};

const client = createClient({
  request: ({ path }) =>
    Promise.resolve(path in answers ? { status: 200, body: answers[path] } : { status: 503, body: 'down' }),
  async *watch() {},
});

test('discoverResources() gives all resources without subresources', async () => {
  const found = await discoverResources(client);
  assert.deepEqual(
    found.map(({ group, version, plural }) => `${group}/${version}/${plural}`),
    ['/v1/pods', 'apps/v1/deployments'],
  );
  assert.deepEqual(
    found.map((resource) => supports(resource, 'list', 'watch')),
    [false, true],
  );
});

test('discoverResources() fails as a whole when a part cannot be read', async () => {
  const broken = createClient({
    request: ({ path }) =>
      Promise.resolve(path === '/api/v1' ? { status: 503, body: 'down' } : { status: 200, body: answers[path] }),
    async *watch() {},
  });
  await assert.rejects(discoverResources(broken), { name: 'ApiError', code: 503 });
});

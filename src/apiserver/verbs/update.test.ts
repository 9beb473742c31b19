import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, show, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const A = `${CONFIG_MAPS}/a`;

const CONFLICT =
  '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again';

test('update() replaces the object at the version that the client saw', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' }, data: { k: '1' } });
  const seen = bodyOf<{ metadata: object }>(await server.get(A));
  assert.equal(
    show(await server.put(A, { ...seen, data: { k: '2' } })),
    '200 {"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"5","name":"a","namespace":"default",' +
      '"uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z"},"data":{"k":"2"}}',
  );
  assert.equal(outcome(await server.put(A, { ...seen, data: { k: '3' } })), CONFLICT);
  // Without a version it overwrites what is there.
  assert.equal(outcome(await server.put(A, { metadata: { name: 'a' }, data: { k: '4' } })), '200');
});

test('update() that changes nothing writes nothing', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a', labels: { x: 'y', z: 'w' } }, data: { k: '1' } });
  const same = { metadata: { name: 'a', labels: { z: 'w', x: 'y' } }, data: { k: '1' } };
  const answer = bodyOf<{ metadata: { resourceVersion: string } }>(await server.put(A, same));
  assert.equal(answer.metadata.resourceVersion, '4');
});

const refusals = [
  {
    name: 'an object that is not there',
    path: `${CONFIG_MAPS}/b`,
    body: { metadata: { name: 'b' } },
    answer: '404 NotFound: configmaps "b" not found',
  },
  {
    name: 'another name',
    path: A,
    body: { metadata: { name: 'b' } },
    answer: '400 BadRequest: the name of the object (b) does not match the name on the URL (a)',
  },
  {
    name: 'no name',
    path: A,
    body: { metadata: {} },
    answer: '400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided',
  },
  {
    name: 'another uid',
    path: A,
    body: { metadata: { name: 'a', uid: 'other' } },
    answer:
      '409 Conflict: Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: /registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object meta: uid',
  },
  {
    name: 'a version that is not there yet',
    path: A,
    body: { metadata: { name: 'a', resourceVersion: '99' } },
    answer: CONFLICT,
  },
];

test('update() refuses', async (t) => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  for (const { name, path, body, answer } of refusals) {
    await t.test(name, async () => {
      const { metadata } = bodyOf<{ metadata: { uid: string } }>(await server.get(A));
      assert.equal(outcome(await server.put(path, body)).replace(metadata.uid, 'uid'), answer);
    });
  }
});

test('update() of the object leaves its status, update() of the status the rest', async () => {
  await using server = await TestServer.start();
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'host' }] } };
  const spec = { replicas: 1, selector: { matchLabels: { app: 'x' } }, template };
  await server.post(path, { metadata: { name: 'd' }, spec, status: { replicas: 7 } });
  await server.put(`${path}/d/status`, { metadata: { name: 'd' }, spec: { replicas: 9 }, status: { replicas: 3 } });
  await server.put(`${path}/d`, { metadata: { name: 'd' }, spec: { ...spec, replicas: 2 }, status: { replicas: 8 } });
  const body = bodyOf<{ metadata: { generation: number }; spec: { replicas: number }; status: object }>(
    await server.get(`${path}/d`),
  );
  assert.deepEqual([body.metadata.generation, body.spec.replicas, body.status], [2, 2, { replicas: 3 }]);
});

test('update() of 100 writers at once loses none', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  const writers = Array.from({ length: 100 }, (_, i) => server.patch(A, 'merge', { data: { [`k${i}`]: 'v' } }));
  assert.deepEqual(new Set((await Promise.all(writers)).map(outcome)), new Set(['200']));
  assert.equal(Object.keys(bodyOf<{ data: object }>(await server.get(A)).data).length, 100);
});

test('update() with dryRun=All writes nothing', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' }, data: { k: '1' } });
  const answer = await server.put(`${A}?dryRun=All`, { metadata: { name: 'a' }, data: { k: '2' } });
  assert.deepEqual(bodyOf<{ data: object }>(answer).data, { k: '2' });
  assert.deepEqual(bodyOf<{ data: object }>(await server.get(A)).data, { k: '1' });
});

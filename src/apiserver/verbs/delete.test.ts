import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, plain, show, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const A = `${CONFIG_MAPS}/a`;
const PODS = '/api/v1/namespaces/default/pods';

interface Meta {
  readonly metadata: {
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly finalizers?: readonly string[];
    readonly resourceVersion: string;
    readonly uid: string;
  };
}

function marks(response: Parameters<typeof bodyOf>[0]): unknown {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = bodyOf<Meta>(response).metadata;
  return [deletionTimestamp, deletionGracePeriodSeconds, finalizers];
}

test('delete() removes an object and says so', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  assert.equal(
    show(await server.delete(A)),
    '200 {"apiVersion":"v1","kind":"Status","metadata":{},"status":"Success","details":{"name":"a","kind":"configmaps","uid":"uid"}}',
  );
  assert.equal(outcome(await server.delete(A)), '404 NotFound: configmaps "a" not found');
});

test('delete() with dryRun=All removes nothing', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  assert.equal(outcome(await server.delete(`${A}?dryRun=All`)), '200');
  assert.equal(outcome(await server.delete(A, { dryRun: ['All'] })), '200');
  assert.equal(outcome(await server.get(A)), '200');
});

test('delete() waits for finalizers', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a', finalizers: ['example.com/x'] } });
  assert.deepEqual(marks(await server.delete(A)), ['2026-01-01T00:00:00Z', 0, ['example.com/x']]);
  assert.deepEqual(marks(await server.delete(A)), ['2026-01-01T00:00:00Z', 0, ['example.com/x']]);
  const added = await server.patch(A, 'merge', { metadata: { finalizers: ['example.com/x', 'example.com/y'] } });
  assert.equal(
    outcome(added),
    '422 Invalid: ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/y"}',
  );
  assert.equal(outcome(await server.patch(A, 'merge', { metadata: { finalizers: null } })), '200');
  assert.equal(outcome(await server.get(A)), '404 NotFound: configmaps "a" not found');
});

const propagations = [
  { name: 'Foreground', body: { propagationPolicy: 'Foreground' }, finalizers: ['foregroundDeletion'] },
  { name: 'Orphan', body: { propagationPolicy: 'Orphan' }, finalizers: ['orphan'] },
  { name: 'orphanDependents', body: { orphanDependents: true }, finalizers: ['orphan'] },
];

for (const { name, body, finalizers } of propagations) {
  test(`delete() leaves ${name} to the garbage collector`, async () => {
    await using server = await TestServer.start();
    await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
    assert.deepEqual(marks(await server.delete(A, body)), ['2026-01-01T00:00:00Z', 0, finalizers]);
  });
}

test('delete() reads its options from the query', async () => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  const answer = await server.delete(`${A}?propagationPolicy=Foreground`);
  assert.deepEqual(marks(answer), ['2026-01-01T00:00:00Z', 0, ['foregroundDeletion']]);
});

const refusals = [
  {
    name: 'another uid',
    body: { preconditions: { uid: 'other' } },
    answer:
      '409 Conflict: Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (uid). The object might have been deleted and then recreated',
  },
  {
    name: 'another version',
    body: { preconditions: { resourceVersion: '1' } },
    answer:
      '409 Conflict: Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (4). The object might have been modified',
  },
  {
    name: 'an unknown policy',
    body: { propagationPolicy: 'Never' },
    answer:
      '422 Invalid: DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Never": supported values: "Foreground", "Background", "Orphan", "nil"',
  },
];

test('delete() refuses', async (t) => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' } });
  for (const { name, body, answer } of refusals) {
    await t.test(name, async () => assert.equal(plain(outcome(await server.delete(A, body))), answer));
  }
});

async function pod(server: TestServer, spec: object): Promise<string> {
  const containers = [{ name: 'c', image: 'host' }];
  assert.equal(outcome(await server.post(PODS, { metadata: { name: 'p' }, spec: { containers, ...spec } })), '201');
  return `${PODS}/p`;
}

test('delete() of a Pod on a node gives it its grace period, which can only shrink', async () => {
  await using server = await TestServer.start();
  const path = await pod(server, { nodeName: 'n1' });
  assert.deepEqual(marks(await server.delete(path)), ['2026-01-01T00:00:30Z', 30, undefined]);
  assert.deepEqual(marks(await server.delete(path, { gracePeriodSeconds: 60 })), [
    '2026-01-01T00:00:30Z',
    30,
    undefined,
  ]);
  assert.deepEqual(marks(await server.delete(path, { gracePeriodSeconds: 10 })), [
    '2026-01-01T00:00:10Z',
    10,
    undefined,
  ]);
  assert.equal(outcome(await server.delete(path, { gracePeriodSeconds: 0 })), '200');
  assert.equal(outcome(await server.get(path)), '404 NotFound: pods "p" not found');
});

test('delete() of a Pod without a node removes it at once', async () => {
  await using server = await TestServer.start();
  const path = await pod(server, {});
  assert.equal(bodyOf<{ kind: string }>(await server.delete(path)).kind, 'Pod');
  assert.equal(outcome(await server.get(path)), '404 NotFound: pods "p" not found');
});

test('deletecollection() removes what the selector says', async () => {
  await using server = await TestServer.start();
  for (const [name, x] of [
    ['a', '1'],
    ['b', '1'],
    ['c', '2'],
  ] as const) {
    await server.post(CONFIG_MAPS, { metadata: { name, labels: { x } } });
  }
  const answer = bodyOf<{ kind: string; items: { metadata: { name: string } }[] }>(
    await server.delete(`${CONFIG_MAPS}?labelSelector=x%3D1`),
  );
  assert.deepEqual([answer.kind, answer.items.map(({ metadata }) => metadata.name)], ['ConfigMapList', ['a', 'b']]);
  const left = bodyOf<{ items: { metadata: { name: string } }[] }>(await server.get(CONFIG_MAPS));
  assert.deepEqual(
    left.items.map(({ metadata }) => metadata.name),
    ['c'],
  );
});

test('delete() of a namespace ends when its finalizers are gone', async () => {
  await using server = await TestServer.start();
  const path = '/api/v1/namespaces/x';
  await server.post('/api/v1/namespaces', { metadata: { name: 'x' } });
  assert.equal(
    show(await server.delete(path)),
    '200 {"kind":"Namespace","apiVersion":"v1","metadata":{"resourceVersion":"5","name":"x","uid":"uid",' +
      '"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"kubernetes.io/metadata.name":"x"},' +
      '"deletionTimestamp":"2026-01-01T00:00:00Z"},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Terminating"}}',
  );
  assert.equal(
    outcome(await server.post(`${path}/configmaps`, { metadata: { name: 'a' } })),
    '403 Forbidden: configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated',
  );
  assert.equal(outcome(await server.delete(path)), '200');
  assert.equal(outcome(await server.get(path)), '200');
  const finalized = await server.put(`${path}/finalize`, { metadata: { name: 'x' }, spec: { finalizers: [] } });
  assert.equal(outcome(finalized), '200');
  assert.equal(outcome(await server.get(path)), '404 NotFound: namespaces "x" not found');
});

test('delete() refuses the namespaces that the cluster needs', async () => {
  await using server = await TestServer.start();
  assert.equal(
    outcome(await server.delete('/api/v1/namespaces/default')),
    '403 Forbidden: namespaces "default" is forbidden: this namespace may not be deleted',
  );
});

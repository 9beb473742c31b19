import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { KubeObject } from '#api/object.ts';
import { configMaps, controllerRevisions } from '#api/resource.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { outcome, TestServer } from '../testing/test-server.ts';
import { ObjectStorage, StaleError } from './object-storage.ts';

function object(name: string, data: Record<string, string> = {}): KubeObject {
  const metadata = { name, namespace: 'x', uid: name } as unknown as KubeObject['metadata'];
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata, data } as KubeObject;
}

async function started(store: MemoryStore): Promise<ObjectStorage> {
  const storage = new ObjectStorage(store, silentLog, new ManualClock());
  await storage.load();
  return storage;
}

test('what is put is visible when put() resolves, in memory and in the store', async () => {
  await using store = new MemoryStore();
  const storage = await started(store);
  const cache = storage.cache(configMaps);
  const told: string[] = [];
  cache.subscribe(({ type, current }) => told.push(`${type} ${current.key} ${current.revision}`));
  const written = await storage.put(cache, 'x/a', object('a'), 0);
  assert.equal(cache.get('x/a'), written);
  assert.equal(
    written.text,
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"2","name":"a","namespace":"x","uid":"a"},"data":{}}',
  );
  assert.deepEqual(JSON.parse(written.text), written.object);
  assert.equal(
    (await store.get('/registry/core/configmaps/x/a'))?.value,
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"x","uid":"a"},"data":{}}',
  );
  const gone = await storage.delete(cache, written);
  assert.equal(gone.object.metadata.resourceVersion, '3');
  assert.deepEqual(JSON.parse(gone.text), gone.object);
  assert.deepEqual(told, ['ADDED x/a 2', 'DELETED x/a 3']);
  assert.equal(cache.get('x/a'), undefined);
  await storage.close();
});

test('objects are frozen all the way down', async () => {
  await using store = new MemoryStore();
  const storage = await started(store);
  const { object: frozen } = await storage.put(storage.cache(configMaps), 'x/a', object('a', { k: 'v' }), 0);
  assert.throws(() => Object.assign((frozen as KubeObject & { data: object }).data, { k: 'w' }), TypeError);
  assert.throws(() => Object.assign(frozen.metadata, { name: 'b' }), TypeError);
  await storage.close();
});

test('a writer that has not seen the last state loses, and sees it before it hears so', async () => {
  await using store = new MemoryStore();
  const [one, two] = [await started(store), await started(store)];
  const first = await one.put(one.cache(configMaps), 'x/a', object('a', { by: 'one' }), 0);
  const cache = two.cache(configMaps);
  await assert.rejects(two.put(cache, 'x/a', object('a', { by: 'two' }), 0), StaleError);
  assert.equal(cache.get('x/a')?.revision, first.revision);
  await two.put(cache, 'x/a', object('a', { by: 'two' }), first.revision);
  await assert.rejects(one.delete(one.cache(configMaps), first), StaleError);
  await one.close();
  await two.close();
});

test('what stands beside an object is written with it or not at all', async () => {
  await using store = new MemoryStore();
  const storage = await started(store);
  const cache = storage.cache(configMaps);
  const told: string[] = [];
  cache.subscribe(({ type, current }) => told.push(`${type} ${current.key} ${current.revision}`));
  const beside = [{ cache, key: 'x/b', object: object('b'), expected: 0 }];
  const written = await storage.put(cache, 'x/a', object('a'), 0, beside);
  await assert.rejects(storage.put(cache, 'x/c', object('c'), 0, beside), {
    name: 'StaleError',
    key: '/registry/core/configmaps/x/b',
  });
  await storage.delete(cache, written, [{ cache, key: 'x/b', object: undefined }]);
  assert.deepEqual(told, ['ADDED x/b 2', 'ADDED x/a 2', 'DELETED x/a 3', 'DELETED x/b 3']);
  await storage.close();
});

test('writes to other keys of the store hold nothing up', async () => {
  await using store = new MemoryStore();
  const storage = await started(store);
  await store.txn([], [{ kind: 'put', key: '/elsewhere', value: '1' }]);
  const cache = storage.cache(configMaps);
  await assert.rejects(storage.put(cache, 'x/a', object('a'), 77), StaleError);
  assert.equal((await storage.put(cache, 'x/a', object('a'), 0)).revision, 3);
  await storage.close();
});

test('writes fail once the store has failed, and reads go on', async () => {
  const store = new MemoryStore();
  const storage = await started(store);
  const cache = storage.cache(configMaps);
  await storage.put(cache, 'x/a', object('a'), 0);
  await store.close();
  await assert.rejects(storage.put(cache, 'x/b', object('b'), 0), { code: 'ESTORECLOSED' });
  assert.notEqual(cache.get('x/a'), undefined);
  await storage.close();
});

test('two servers on one store see each other', async () => {
  await using store = new MemoryStore();
  await using one = await TestServer.start({ store });
  await using two = TestServer.bare({ store });
  const path = '/api/v1/namespaces/default/configmaps';
  await two.server.ready;
  await using watch = await two.watch(`${path}?watch=1`);
  await one.post(path, { metadata: { name: 'a' } });
  assert.deepEqual(await watch.next(1), ['ADDED default/a 4']);
  const writers = [one, two].flatMap((server, s) =>
    Array.from({ length: 20 }, (_, i) => server.patch(`${path}/a`, 'merge', { data: { [`k${s}-${i}`]: 'v' } })),
  );
  const outcomes = (await Promise.all(writers)).map(outcome);
  const written = outcomes.filter((text) => text === '200').length;
  const answer = await one.get(`${path}/a`);
  const data = answer.kind === 'object' ? (answer.body as { data: object }).data : {};
  // Each write that was confirmed is there; the others were told of the conflict.
  assert.equal(Object.keys(data).length, written);
  assert.ok(outcomes.every((text) => text === '200' || text.startsWith('409 Conflict')));
});

test('a revision is written as Go writes it, to the byte', async () => {
  await using store = new MemoryStore();
  const storage = await started(store);
  const cache = storage.cache(controllerRevisions);
  const data = { args: 'a < b && c > d \u2028' };
  const revision = { ...object('a'), kind: 'ControllerRevision', apiVersion: 'apps/v1', data };
  const { text, object: written } = await storage.put(cache, 'x/a', revision, 0);
  assert.match(text, /"data":\{"args":"a \\u003c b \\u0026\\u0026 c \\u003e d \\u2028"\}/);
  assert.deepEqual(JSON.parse(text), written);
  assert.deepEqual((written as typeof revision).data, data);
  await storage.close();
});

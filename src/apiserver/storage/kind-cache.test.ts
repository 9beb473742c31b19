import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '#base/clock.ts';
import type { KubeObject } from '#api/object.ts';
import { KindCache, type Change } from './kind-cache.ts';
import { StoredObject } from './stored-object.ts';

function stored(key: string, revision: number): StoredObject {
  const metadata = { name: key, uid: key, resourceVersion: String(revision) } as KubeObject['metadata'];
  return new StoredObject(key, { kind: 'K', apiVersion: 'v1', metadata }, '{}', revision);
}

/** Puts or deletes a key, as the storage tells the cache. */
function change(cache: KindCache, key: string, revision: number, put: boolean): void {
  const previous = cache.get(key);
  if (!put && previous === undefined) return;
  const type: Change['type'] = put ? (previous === undefined ? 'ADDED' : 'MODIFIED') : 'DELETED';
  cache.apply({ type, revision, current: stored(key, revision), previous });
}

function listed(objects: Iterable<StoredObject> | undefined): string[] {
  return [...(objects ?? [])].map(({ key, revision }) => `${key}@${revision}`);
}

test('KindCache lists a namespace in order, from any place on', () => {
  const cache = new KindCache('/p/', 0, new ManualClock());
  ['a/2', 'a-b/1', 'b/1', 'a/1', 'a/10'].forEach((key, i) => change(cache, key, i + 1, true));
  assert.deepEqual(listed(cache.list()), ['a-b/1@2', 'a/1@4', 'a/10@5', 'a/2@1', 'b/1@3']);
  assert.deepEqual(listed(cache.list('a/')), ['a/1@4', 'a/10@5', 'a/2@1']);
  assert.deepEqual(listed(cache.list('a/', 'a/10')), ['a/10@5', 'a/2@1']);
  assert.deepEqual(listed(cache.list('none/')), []);
});

test('KindCache knows every state that its history covers', () => {
  const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), put: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (changes) => {
      const cache = new KindCache('/p/', 0, new ManualClock());
      const states: string[][] = [[]];
      changes.forEach(({ key, put }, i) => {
        change(cache, key, i + 1, put);
        states.push(listed(cache.list()));
      });
      states.forEach((state, revision) => assert.deepEqual(listed(cache.listAt(revision, '', '')), state));
    }),
  );
});

test('KindCache forgets in the end, and says so', () => {
  const cache = new KindCache('/p/', 5, new ManualClock());
  assert.equal(cache.since(4), undefined);
  assert.deepEqual(cache.since(5), []);
  for (let revision = 6; revision < 10_000; revision++) change(cache, 'a', revision, true);
  assert.equal(cache.since(5), undefined);
  assert.equal(cache.since(cache.floor)?.[0]?.revision, cache.floor + 1);
  assert.equal(cache.since(9_998)?.length, 1);
  assert.equal(cache.listAt(cache.floor - 1, '', ''), undefined);
});

test('KindCache forgets after five minutes, when more comes', async () => {
  const clock = new ManualClock();
  const cache = new KindCache('/p/', 0, clock);
  for (let revision = 1; revision <= 100; revision++) change(cache, 'a', revision, true);
  await clock.advance(200_000);
  for (let revision = 101; revision <= 200; revision++) change(cache, 'a', revision, true);
  assert.equal(cache.floor, 0);
  await clock.advance(200_000);
  for (let revision = 201; revision <= 300; revision++) change(cache, 'a', revision, true);
  assert.equal(cache.floor, 100);
  assert.deepEqual(listed(cache.listAt(150, '', '')), ['a@150']);
});

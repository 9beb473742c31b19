import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#api/object.ts';
import { OwnWrites } from './own-writes.ts';

/** `a:3`: object a, version 3. */
function object(text: string): KubeObject {
  const [name = '', resourceVersion = ''] = text.split(':');
  return { apiVersion: 'v1', kind: 'K', metadata: { name, uid: name, resourceVersion, creationTimestamp: '' } };
}

class Cache {
  resourceVersion = '0';
  objects: KubeObject[] = [];

  get(key: string): KubeObject | undefined {
    return this.objects.find(({ metadata }) => metadata.name === key);
  }

  set(version: number, ...texts: string[]): void {
    this.resourceVersion = String(version);
    this.objects = texts.map(object);
  }
}

function view(own: OwnWrites<KubeObject>, cache: Cache): string {
  return own
    .view('g', cache.objects)
    .map(({ metadata }) => `${metadata.name}:${metadata.resourceVersion}`)
    .sort()
    .join(' ');
}

test('view() shows what was made and changed before the cache does, and the cache once it is later', () => {
  const cache = new Cache();
  const own = new OwnWrites(cache);
  cache.set(5, 'a:4');
  own.wrote('g', object('a:6'));
  own.wrote('g', object('b:7'));
  assert.equal(view(own, cache), 'a:6 b:7');
  assert.equal(own.isOwn('g', object('a:6')), true);
  assert.equal(own.isOwn('g', object('a:8')), false);
  cache.set(8, 'a:8', 'b:7');
  assert.equal(view(own, cache), 'a:8 b:7');
});

test('view() does not hold on to what somebody deleted after us', () => {
  const cache = new Cache();
  const own = new OwnWrites(cache);
  own.wrote('g', object('a:6'));
  cache.set(7);
  assert.equal(view(own, cache), '');
});

test('view() hides what was deleted until the cache has lost it, and no longer', () => {
  const cache = new Cache();
  const own = new OwnWrites(cache);
  cache.set(5, 'a:4');
  own.deleted('g', object('a:4'));
  assert.equal(view(own, cache), '');
  cache.set(6);
  assert.equal(view(own, cache), '');
  cache.set(7, 'a:7');
  assert.equal(view(own, cache), 'a:7');
});

test('get() shows one object as view() shows all', () => {
  const cache = new Cache();
  const own = new OwnWrites(cache);
  cache.set(5, 'a:4', 'c:5');
  own.wrote('g', object('a:6'));
  own.deleted('g', object('c:5'));
  const got = (): unknown => ['a', 'b', 'c'].map((key) => own.get('g', key)?.metadata.resourceVersion);
  assert.deepEqual(got(), ['6', undefined, undefined]);
  assert.equal(own.get('other', 'a')?.metadata.resourceVersion, '4');
  cache.set(7, 'a:7');
  assert.deepEqual(got(), ['7', undefined, undefined]);
});

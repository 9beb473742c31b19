import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { outcome, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

async function put(server: TestServer, name: string, labels: Record<string, string> = {}): Promise<void> {
  const answer = await server.post(CONFIG_MAPS, { metadata: { name, labels } });
  assert.equal(outcome(answer), '201');
}

test('watch() begins with what is there, unless it is told from where', async () => {
  await using server = await TestServer.start();
  await put(server, 'a');
  await using all = await server.watch(`${CONFIG_MAPS}?watch=true`);
  await using later = await server.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=4`);
  await using any = await server.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=0`);
  await put(server, 'b');
  await server.delete(`${CONFIG_MAPS}/a`);
  assert.deepEqual(await all.next(3), ['ADDED default/a 4', 'ADDED default/b 5', 'DELETED default/a 6']);
  assert.deepEqual(await any.next(3), ['ADDED default/a 4', 'ADDED default/b 5', 'DELETED default/a 6']);
  assert.deepEqual(await later.next(2), ['ADDED default/b 5', 'DELETED default/a 6']);
  await using replay = await server.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=3`);
  assert.deepEqual(await replay.next(3), ['ADDED default/a 4', 'ADDED default/b 5', 'DELETED default/a 6']);
});

test('watch() turns entering and leaving the selector into ADDED and DELETED', async () => {
  await using server = await TestServer.start();
  await put(server, 'a', { x: '1' });
  await using watch = await server.watch(`${CONFIG_MAPS}?watch=1&labelSelector=x%3D1`);
  await server.patch(`${CONFIG_MAPS}/a`, 'merge', { data: { k: 'v' } });
  await server.patch(`${CONFIG_MAPS}/a`, 'merge', { metadata: { labels: { x: '2' } } });
  await server.patch(`${CONFIG_MAPS}/a`, 'merge', { data: { k: 'w' } });
  await server.patch(`${CONFIG_MAPS}/a`, 'merge', { metadata: { labels: { x: '1' } } });
  await server.delete(`${CONFIG_MAPS}/a`);
  const frames = await watch.frames(5);
  assert.deepEqual(
    frames.map(({ text }) => {
      const { type, object } = JSON.parse(text);
      return [type, object.metadata.resourceVersion, object.metadata.labels.x, object.data?.k];
    }),
    [
      ['ADDED', '4', '1', undefined],
      ['MODIFIED', '5', '1', 'v'],
      // The last state inside the selector, at the revision at which it left.
      ['DELETED', '6', '1', 'v'],
      ['ADDED', '8', '1', 'w'],
      ['DELETED', '9', '1', 'w'],
    ],
  );
});

test('watch() of one name sees only that', async () => {
  await using server = await TestServer.start();
  await using watch = await server.watch(`${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Db`);
  await using old = await server.watch('/api/v1/watch/namespaces/default/configmaps?fieldSelector=metadata.name%3Db');
  await put(server, 'a');
  await put(server, 'b');
  assert.deepEqual(await watch.next(1), ['ADDED default/b 5']);
  assert.deepEqual(await old.next(1), ['ADDED default/b 5']);
});

test('watch() streams a list: sendInitialEvents', async () => {
  await using server = await TestServer.start();
  await put(server, 'a');
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  await using watch = await server.watch(`${CONFIG_MAPS}?${query}`);
  assert.deepEqual(await watch.next(2), ['ADDED default/a 4', 'BOOKMARK 4 initial-events-end']);
  await put(server, 'b');
  assert.deepEqual(await watch.next(1), ['ADDED default/b 5']);
});

test('watch() sends bookmarks, and one more when its time is over', async () => {
  const clock = new ManualClock();
  await using server = await TestServer.start({ clock });
  await using watch = await server.watch(`${CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90`);
  await clock.advance(60_000);
  await put(server, 'a');
  await clock.advance(60_000);
  assert.deepEqual(await watch.next(10), ['BOOKMARK 3', 'ADDED default/a 4', 'BOOKMARK 4']);
});

test('watch() from a revision that is forgotten reports 410', async () => {
  await using server = await TestServer.start();
  await put(server, 'a');
  for (let i = 0; i < 9_000; i++) await server.patch(`${CONFIG_MAPS}/a`, 'merge', { data: { i: String(i) } });
  await using watch = await server.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=5`);
  assert.deepEqual(await watch.next(2), ['ERROR 410 Expired: too old resource version: 5 (4228)']);
});

test('watch() of a slow reader fails once its backlog is full, and nobody waits for it', async () => {
  await using server = await TestServer.start();
  await put(server, 'a');
  await using slow = await server.watch(`${CONFIG_MAPS}?watch=1`);
  for (let i = 0; i < 17_000; i++) await server.patch(`${CONFIG_MAPS}/a`, 'merge', { data: { i: String(i) } });
  await assert.rejects(slow.next(20_000), /the reader is too slow/);
});

test('watch() shares one text between all watchers', async () => {
  await using server = await TestServer.start();
  await using first = await server.watch(`${CONFIG_MAPS}?watch=1`);
  await using second = await server.watch(`/api/v1/configmaps?watch=1`);
  await put(server, 'a');
  const [one] = await first.frames(1);
  const [two] = await second.frames(1);
  assert.equal(one, two);
});

test('watch() as a table has the columns in its first event only', async () => {
  await using server = await TestServer.start();
  await put(server, 'a');
  await using watch = await server.watch(`${CONFIG_MAPS}?watch=1`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  await put(server, 'b');
  const tables = (await watch.frames(2)).map(({ text }) => JSON.parse(text).object);
  assert.deepEqual(
    tables.map(({ kind, columnDefinitions, rows }) => [kind, columnDefinitions?.length, rows[0].cells]),
    [
      ['Table', 3, ['a', 0, '0s']],
      ['Table', undefined, ['b', 0, '0s']],
    ],
  );
});

test('watch() ends when the server closes and when its client goes', async () => {
  const server = await TestServer.start();
  const closed = await server.watch(`${CONFIG_MAPS}?watch=1`);
  const gone = await server.watch(`${CONFIG_MAPS}?watch=1`);
  await gone[Symbol.asyncDispose]();
  assert.deepEqual(await gone.next(1), []);
  await server.server.close();
  assert.deepEqual(await closed.next(1), []);
});

const refusals = [
  {
    query: 'sendInitialEvents=true',
    answer:
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
  },
  {
    query: 'resourceVersionMatch=NotOlderThan&resourceVersion=1',
    answer:
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  },
  {
    query: 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99',
    answer: '504 Timeout: Timeout: Too large resource version: 99, current: 3',
  },
];

test('watch() refuses', async (t) => {
  await using server = await TestServer.start();
  for (const { query, answer } of refusals) {
    await t.test(query, async () => assert.equal(outcome(await server.get(`${CONFIG_MAPS}?watch=1&${query}`)), answer));
  }
});

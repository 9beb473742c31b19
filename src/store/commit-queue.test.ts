import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitQueue } from './commit-queue.ts';
import { Replica } from './replica.ts';

const put = (key: string): { kind: 'put'; key: string; value: string } => ({ kind: 'put', key, value: '1' });

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.finally(() => (settled = true)).catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('CommitQueue answers and shows nothing before it is durable', async () => {
  const replica = new Replica();
  const queue = new CommitQueue(replica);
  const made = queue.submit([], [put('a')]);
  const refused = queue.submit([{ key: 'a', modRevision: 0 }], [put('a')]);
  const looked = queue.submit([{ key: 'a', modRevision: 2 }], []);
  assert.deepEqual([await isSettled(made), await isSettled(refused), await isSettled(looked)], [false, false, false]);
  assert.equal(replica.get('a'), undefined);
  assert.deepEqual(
    queue.take().map((change) => change.revision),
    [2],
  );
  assert.deepEqual(queue.take(), []);
  queue.settle(2);
  assert.deepEqual(await Promise.all([made, refused, looked]), [
    { succeeded: true, revision: 2 },
    { succeeded: false, revision: 2, entries: [{ key: 'a', value: '1', createRevision: 2, modRevision: 2 }] },
    { succeeded: true, revision: 2 },
  ]);
  assert.equal(replica.revision, 2);
});

test('CommitQueue settles in steps', async () => {
  const replica = new Replica();
  const queue = new CommitQueue(replica);
  const answers = [queue.submit([], [put('a')]), queue.submit([], [put('a')]), queue.submit([], [put('b')])];
  queue.settle(3);
  assert.deepEqual(await Promise.all(answers.map(isSettled)), [true, true, false]);
  queue.settle(4);
  await queue.idle();
  assert.equal(replica.revision, 4);
});

test('CommitQueue fails all that rests on a failed commit, and gives its revision again', async () => {
  const replica = new Replica();
  const queue = new CommitQueue(replica);
  const lost = [queue.submit([], [put('a')]), queue.submit([], [put('b')]), queue.submit([], [])];
  queue.take();
  const unsent = queue.submit([{ key: 'a', modRevision: 2 }], [put('a')]);
  queue.abandon(new Error('disk is gone'));
  for (const answer of [...lost, unsent]) await assert.rejects(answer, { message: 'disk is gone' });
  await queue.idle();
  assert.deepEqual(queue.take(), []);
  const made = queue.submit([{ key: 'a', modRevision: 0 }], [put('a')]);
  queue.settle(2);
  assert.deepEqual(await made, { succeeded: true, revision: 2 });
});

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import test from 'node:test';
import fc from 'fast-check';
import { Channel } from './channel.ts';

async function drain<T>(channel: Channel<T>): Promise<{ items: T[]; end: string }> {
  const items: T[] = [];
  try {
    for await (const item of channel) items.push(item);
    return { items, end: 'closed' };
  } catch (error) {
    return { items, end: (error as Error).message };
  }
}

test('whatever is pushed, in one burst or over many turns, is read in that order and once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3)), async (pauses) => {
      const channel = new Channel<number>();
      const reading = drain(channel);
      for (const [i, pause] of pauses.entries()) {
        assert.equal(channel.push(i), true);
        for (let turn = 0; turn < pause; turn++) await (turn === 0 ? Promise.resolve() : setImmediate());
      }
      channel.close();
      assert.deepEqual(await reading, { items: pauses.map((_, i) => i), end: 'closed' });
    }),
  );
});

test('what was queued before the end is still read', async () => {
  const closed = new Channel<string>();
  closed.push('a');
  closed.close();
  assert.equal(closed.push('b'), false);
  closed.fail(new Error('too late'));
  assert.deepEqual(await drain(closed), { items: ['a'], end: 'closed' });

  const failed = new Channel<string>();
  failed.push('a');
  failed.fail(new Error('gone'));
  failed.fail(new Error('gone again'));
  assert.deepEqual(await drain(failed), { items: ['a'], end: 'gone' });
});

test('a reader that is too slow gets what fits and then an error', async () => {
  const channel = new Channel<number>(2);
  assert.deepEqual([channel.push(1), channel.push(2), channel.push(3), channel.push(4)], [true, true, false, false]);
  assert.equal(channel.closed, true);
  assert.deepEqual(await drain(channel), {
    items: [1, 2],
    end: 'Cannot queue more than 2 items: the reader is too slow',
  });
});

test('a reader that leaves closes the channel and is told of once', async () => {
  const channel = new Channel<number>();
  let returns = 0;
  channel.onReturn = () => (returns += 1);
  channel.push(1);
  channel.push(2);
  for await (const item of channel) {
    assert.deepEqual([item, channel.closed, returns], [1, false, 0]);
    break;
  }
  assert.deepEqual([channel.closed, returns, channel.push(3)], [true, 1, false]);
});

for (const [name, end] of [
  ['close', (channel: Channel<number>) => channel.close()],
  ['fail', (channel: Channel<number>) => channel.fail(new Error('gone'))],
] as const) {
  test(`${name} wakes a reader that waits`, async () => {
    const channel = new Channel<number>();
    const reading = drain(channel);
    await setImmediate();
    end(channel);
    assert.deepEqual(await reading, { items: [], end: name === 'close' ? 'closed' : 'gone' });
  });
}

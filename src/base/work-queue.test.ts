import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import test from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './clock.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

interface Fixture {
  readonly clock: ManualClock;
  readonly queue: WorkQueue;
  /** Keys in the order in which their work began. */
  readonly begun: string[];
  /** Ends the work on a key, with the error if there is one. */
  readonly finish: (key: string, error?: Error) => Promise<void>;
}

/** A queue whose work ends when the test says so. */
function fixture(options: Partial<WorkQueueOptions> = {}): Fixture {
  const clock = new ManualClock();
  const begun: string[] = [];
  const open = new Map<string, PromiseWithResolvers<void>>();
  const work = async (key: string): Promise<void> => {
    begun.push(key);
    const done = Promise.withResolvers<void>();
    open.set(key, done);
    await done.promise;
  };
  return {
    clock,
    begun,
    queue: new WorkQueue(work, { clock, ...options }),
    finish: async (key, error) => {
      const done = open.get(key) ?? assert.fail(`${key} is not worked on`);
      open.delete(key);
      if (error === undefined) done.resolve();
      else done.reject(error);
      await setImmediate();
    },
  };
}

test('a key that is added several times before its turn is worked on once', async () => {
  const { queue, begun, finish } = fixture();
  for (const key of ['a', 'b', 'a', 'a', 'b']) queue.add(key);
  await setImmediate();
  assert.deepEqual(begun, ['a']);
  await finish('a');
  await finish('b');
  await queue.idle();
  assert.deepEqual(begun, ['a', 'b']);
});

test('a key that is added while it is worked on runs again afterwards, once', async () => {
  const { queue, begun, finish } = fixture({ concurrency: 5 });
  queue.add('a');
  await setImmediate();
  queue.add('a');
  queue.add('a');
  await setImmediate();
  assert.deepEqual(begun, ['a']);
  await finish('a');
  assert.deepEqual(begun, ['a', 'a']);
  await finish('a');
  await queue.idle();
  assert.deepEqual(begun, ['a', 'a']);
});

test('no more keys are worked on at once than was asked for', async () => {
  const { queue, begun, finish } = fixture({ concurrency: 2 });
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  await setImmediate();
  assert.deepEqual(begun, ['a', 'b']);
  await finish('b');
  assert.deepEqual(begun, ['a', 'b', 'c']);
});

test('a key that fails comes back, each time after twice the time, up to the longest', async () => {
  const failures: string[] = [];
  const { queue, clock, begun, finish } = fixture({
    baseDelayMs: 5,
    maxDelayMs: 15,
    onError: (key, error, count) => failures.push(`${key} ${(error as Error).message} ${count}`),
  });
  queue.add('a');
  await setImmediate();
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    await finish('a', new Error('no'));
    const from = clock.now();
    while (begun.length === i + 1) await clock.advance(1);
    waits.push(clock.now() - from);
  }
  assert.deepEqual(waits, [5, 10, 15, 15]);
  assert.deepEqual(failures, ['a no 1', 'a no 2', 'a no 3', 'a no 4']);
  await finish('a');
  queue.add('a');
  await setImmediate();
  await finish('a', new Error('no'));
  assert.equal(failures.at(-1), 'a no 1', 'a success forgets the failures before it');
});

test('of two times for one key the earlier stands, and a time that has come is now', async () => {
  const { queue, clock, begun, finish } = fixture();
  queue.addAfter('a', 50);
  queue.addAfter('a', 20);
  queue.addAfter('a', 90);
  await clock.advance(19);
  assert.deepEqual(begun, []);
  await clock.advance(1);
  assert.deepEqual(begun, ['a']);
  await finish('a');
  await clock.advance(100);
  assert.deepEqual(begun, ['a']);
  queue.addAfter('b', 0);
  await setImmediate();
  assert.deepEqual(begun, ['a', 'b']);
});

test('a stopped queue begins nothing more, whatever was queued, delayed or failing', async () => {
  const { queue, clock, begun, finish } = fixture();
  queue.add('a');
  queue.addAfter('b', 5);
  await setImmediate();
  queue.add('a');
  queue.add('c');
  const idle = queue.idle();
  queue.stop();
  queue.add('d');
  queue.addAfter('e', 1);
  await finish('a', new Error('no'));
  await idle;
  await clock.advance(100_000);
  assert.deepEqual(begun, ['a']);
});

test('a queue that is stopped before its first turn is idle', async () => {
  const { queue } = fixture();
  queue.add('a');
  const idle = queue.idle();
  queue.stop();
  await idle;
});

test('work that throws before it first waits does not eat the stack', async () => {
  let runs = 0;
  const work = (): void => {
    runs += 1;
    throw new Error('no');
  };
  const queue = new WorkQueue(work, { clock: new ManualClock() });
  for (let i = 0; i < 30_000; i++) queue.add(String(i));
  await queue.idle();
  assert.equal(runs, 30_000);
});

test('whatever happens, no key is worked on twice at once and the last add of a key is followed by a run', async () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'addAfter', 'finish', 'fail', 'advance', 'turn'),
    key: fc.constantFrom('a', 'b', 'c'),
    ms: fc.nat(20),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, concurrency) => {
      const clock = new ManualClock();
      const open = new Map<string, PromiseWithResolvers<void>>();
      const owed = new Set<string>();
      // Not asserted in the work itself: the queue would take it for a failure to be tried again.
      const breaches: string[] = [];
      const work = async (key: string): Promise<void> => {
        owed.delete(key);
        if (open.has(key)) breaches.push(`${key} is worked on twice at once`);
        if (open.size >= concurrency) breaches.push(`${open.size} keys besides ${key}`);
        const done = Promise.withResolvers<void>();
        open.set(key, done);
        await done.promise;
      };
      // A failure owes a run too.
      const queue = new WorkQueue(work, { clock, concurrency, onError: (key) => owed.add(key) });
      const end = (key: string, error?: Error): void => {
        const done = open.get(key);
        open.delete(key);
        if (error === undefined) done?.resolve();
        else done?.reject(error);
      };
      for (const { kind, key, ms } of steps) {
        if (kind === 'add' || kind === 'addAfter') owed.add(key);
        if (kind === 'add') queue.add(key);
        else if (kind === 'addAfter') queue.addAfter(key, ms);
        else if (kind === 'finish') end(key);
        else if (kind === 'fail') end(key, new Error('no'));
        else if (kind === 'advance') await clock.advance(ms);
        if (kind === 'turn' || kind === 'finish' || kind === 'fail') await setImmediate();
      }
      for (let round = 0; owed.size > 0 || open.size > 0; round++) {
        assert.ok(round < 100, `never run: ${[...owed].join(', ')}`);
        for (const key of open.keys()) end(key);
        await setImmediate();
        await clock.advance(60_000);
      }
      await queue.idle();
      assert.deepEqual(breaches, []);
    }),
    { numRuns: 60 },
  );
});

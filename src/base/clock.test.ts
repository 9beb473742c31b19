import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';
import { ManualClock, rfc3339, rfc3339Micro, systemClock } from './clock.ts';

const times: readonly (readonly [number, string, string])[] = [
  [0, '1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000000Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5), '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
  [Date.UTC(2026, 0, 2, 3, 4, 5, 678), '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678000Z'],
  [1.25, '1970-01-01T00:00:00Z', '1970-01-01T00:00:00.001250Z'],
];

for (const [ms, whole, micro] of times) {
  test(`${ms} ms is ${micro}`, () => assert.deepEqual([rfc3339(ms), rfc3339Micro(ms)], [whole, micro]));
}

test('ManualClock calls what falls due, in order of time and then of asking', async () => {
  const clock = new ManualClock(1000);
  const calls: string[] = [];
  const call = (name: string): (() => void) => {
    return () => calls.push(`${name}@${clock.now()}`);
  };
  clock.after(20, call('late'));
  clock.after(10, call('first'));
  clock.after(10, call('second'));
  clock.after(15, call('never'))[Symbol.dispose]();
  clock.after(10, () => clock.after(5, call('nested')));
  await clock.advance(9);
  assert.deepEqual(calls, []);
  await clock.advance(11);
  assert.deepEqual(calls, ['first@1010', 'second@1010', 'nested@1015', 'late@1020']);
  assert.deepEqual([clock.now(), clock.monotonic()], [1020, 1020]);
});

for (const [name, make] of [
  ['ManualClock', () => new ManualClock()],
  ['systemClock', () => systemClock],
] as const) {
  test(`${name}.sleep rejects with the reason of its signal, also of one that was aborted before`, async () => {
    const clock = make();
    const reason = new Error('enough');
    await assert.rejects(clock.sleep(60_000, AbortSignal.abort(reason)), reason);
    const controller = new AbortController();
    const slept = clock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await assert.rejects(slept, reason);
  });
}

test('ManualClock.sleep resolves when the time has come', async () => {
  const clock = new ManualClock();
  let awake = false;
  const slept = clock.sleep(100, new AbortController().signal).then(() => (awake = true));
  await clock.advance(99);
  assert.equal(awake, false);
  await clock.advance(1);
  await slept;
});

test('systemClock sleeps at least as long as told', async () => {
  const began = systemClock.monotonic();
  await systemClock.sleep(20);
  // Timers count whole milliseconds.
  assert.ok(systemClock.monotonic() - began >= 19);
});

test('systemClock waits beyond the 25 days of setTimeout, and can be told not to', async () => {
  const warnings: string[] = [];
  const listener = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', listener);
  let called = false;
  const timer = systemClock.after(2 ** 40, () => (called = true));
  await systemClock.sleep(20);
  timer[Symbol.dispose]();
  process.off('warning', listener);
  assert.deepEqual({ called, warnings }, { called: false, warnings: [] });
});

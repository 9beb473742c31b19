import assert from 'node:assert/strict';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import test from 'node:test';
import type { DaemonMessage } from '#cluster/daemon-message.ts';
import { untilReady, type Outcome } from './until-ready.ts';
import { SignalWatch } from './signal-watch.ts';

const LONG_MS = 600_000;
const ready = { kind: 'ready', apiPort: 6443, milliseconds: 700, notices: [] } as const;
const failed: DaemonMessage = { kind: 'failed', code: 'EPORTINUSE', message: 'Cannot listen', hint: 'choose another' };
const progress = (text: string): DaemonMessage => ({ kind: 'progress', text });

/** A daemon that says this, one thing a turn, and then ends, breaks, or goes on without a word. */
async function* daemon(
  messages: readonly DaemonMessage[],
  end: 'ends' | 'breaks' | 'goes on' = 'goes on',
): AsyncGenerator<DaemonMessage> {
  for (const message of messages) {
    await setImmediate();
    yield message;
  }
  if (end === 'breaks') throw new Error('no JSON');
  if (end === 'goes on') await new Promise<never>(() => {});
}

const cases: readonly (readonly [string, AsyncIterable<DaemonMessage>, Outcome, readonly string[]])[] = [
  ['is ready', daemon([progress('one'), progress('two'), ready]), ready, ['one', 'two']],
  ['is ready and ends', daemon([ready], 'ends'), ready, []],
  ['fails', daemon([progress('one'), failed]), failed, ['one']],
  [
    'ends without a word',
    daemon([progress('one')], 'ends'),
    { kind: 'failed', code: 'EDAEMON', message: 'Cannot start the cluster: its daemon ended' },
    ['one'],
  ],
  [
    'cannot be understood',
    daemon([], 'breaks'),
    { kind: 'failed', code: 'EDAEMON', message: 'Cannot start the cluster: no JSON' },
    [],
  ],
];

for (const [what, messages, outcome, expected] of cases) {
  test(`a daemon that ${what}`, async () => {
    using signals = new SignalWatch();
    const shown: string[] = [];
    assert.deepEqual(await untilReady(messages, LONG_MS, (text) => shown.push(text), signals), outcome);
    assert.deepEqual(shown, expected);
  });
}

test('a daemon that takes too long, and what it was doing', async () => {
  using signals = new SignalWatch();
  assert.deepEqual(await untilReady(daemon([progress('opening the store')]), 100, () => {}, signals), {
    kind: 'failed',
    code: 'ETIMEOUT',
    message: 'Cannot start the cluster within 0.1 s: it was still opening the store',
    hint: 'allow more time with --wait',
  });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} interrupts the wait, and is nobody's afterwards`, async () => {
    const before = process.listenerCount(signal);
    {
      using signals = new SignalWatch();
      const outcome = untilReady(daemon([]), LONG_MS, () => {}, signals);
      process.kill(process.pid, signal);
      assert.deepEqual(await outcome, { kind: 'interrupted' });
    }
    assert.equal(process.listenerCount(signal), before);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '#base/clock.ts';
import { ContainerEnd } from './container-end-agent.ts';

interface Case {
  readonly name: string;
  readonly graceMs: number;
  readonly hookMs?: number;
  readonly turnMs?: number;
  /** The second word about it. */
  readonly hurry?: { readonly atMs: number; readonly graceMs: number };
  readonly text: string;
}

const cases: readonly Case[] = [
  { name: 'without anything to wait for', graceMs: 30_000, text: '0 SIGTERM, 30000 SIGKILL' },
  { name: 'at once', graceMs: 0, hookMs: 500, text: '0 SIGTERM, 0 SIGKILL' },
  { name: 'after its hook', graceMs: 30_000, hookMs: 5000, text: '0 hook, 5000 SIGTERM, 30000 SIGKILL' },
  { name: 'in its turn', graceMs: 30_000, turnMs: 7000, text: '7000 SIGTERM, 30000 SIGKILL' },
  {
    name: 'whose hook does not wait for its turn',
    graceMs: 30_000,
    hookMs: 5000,
    turnMs: 7000,
    text: '0 hook, 7000 SIGTERM, 30000 SIGKILL',
  },
  {
    name: 'whose hook takes too long',
    graceMs: 10_000,
    hookMs: 60_000,
    text: '0 hook, 10000 hook aborted, 10000 SIGTERM, 12000 SIGKILL',
  },
  { name: 'whose turn comes late', graceMs: 10_000, turnMs: 9500, text: '9500 SIGTERM, 11500 SIGKILL' },
  { name: 'whose turn does not come', graceMs: 1000, turnMs: 60_000, text: '1000 SIGTERM, 2000 SIGKILL' },
  {
    name: 'in a hurry',
    graceMs: 30_000,
    hurry: { atMs: 4000, graceMs: 1000 },
    text: '0 SIGTERM, 5000 SIGKILL',
  },
  {
    name: 'in no hurry',
    graceMs: 3000,
    hurry: { atMs: 1000, graceMs: 30_000 },
    text: '0 SIGTERM, 3000 SIGKILL',
  },
];
for (const { name, graceMs, hookMs, turnMs, hurry, text } of cases) {
  test(`ContainerEnd of a container ${name}`, async () => {
    const clock = new ManualClock(0);
    const log: string[] = [];
    const note = (what: string): void => void log.push(`${clock.now()} ${what}`);
    using end = new ContainerEnd(
      {
        clock,
        run: { kill: note },
        signal: 'SIGTERM',
        hook: async (signal) => {
          if (hookMs === undefined) return;
          note('hook');
          await clock.sleep(hookMs, signal).catch(() => note('hook aborted'));
        },
        turn: turnMs === undefined ? Promise.resolve() : clock.sleep(turnMs),
      },
      graceMs,
    );
    for (let at = 0; at < 40_000; at += 500) {
      // Whoever waits has his turn before time goes on.
      await setImmediate();
      if (at === hurry?.atMs) end.hurry(hurry.graceMs);
      await clock.advance(500);
    }
    assert.equal(log.join(', '), text);
  });
}

test('ContainerEnd says nothing to a container that has ended', async () => {
  const clock = new ManualClock(0);
  const end = new ContainerEnd(
    { clock, run: { kill: assert.fail }, signal: 'SIGTERM', hook: () => clock.sleep(1000), turn: Promise.resolve() },
    2000,
  );
  await clock.advance(500);
  end[Symbol.dispose]();
  await clock.advance(10_000);
});

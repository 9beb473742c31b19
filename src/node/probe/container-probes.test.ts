import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import type { Container } from '#api/generated/types.ts';
import { ContainerProbes } from './container-probes-agent.ts';

/** When a container with these probes counts as ready, in ms from its start; an exec probe or hook takes 30 ms. */
async function readyAfter(container: Partial<Container>, restAt: number = Infinity): Promise<number> {
  const clock = new ManualClock(0);
  const changed: number[] = [];
  const probes = new ContainerProbes({
    clock,
    context: {
      dial: () => assert.fail('nothing is dialled here'),
      exec: () => ({
        stdin: undefined,
        stdout: Readable.from([]),
        stderr: undefined,
        resize: () => {},
        kill: () => {},
        wait: async () => {
          await clock.sleep(30);
          return { code: 0, signal: undefined };
        },
      }),
    },
    podIp: '10.244.0.2',
    container: { name: 'c', ...container },
    isAtRest: () => clock.now() >= restAt,
    onChange: () => changed.push(clock.now()),
    onHookFailed: assert.fail,
    onPreStopFailed: assert.fail,
    onUnhealthy: assert.fail,
    onProbeWarning: assert.fail,
    onFatal: assert.fail,
  });
  for (let at = 0; at < 2000 && !probes.ready; at += 5) await clock.advance(5);
  assert.equal(changed.at(-1), clock.now(), 'whoever asks is told');
  probes[Symbol.dispose]();
  return clock.now();
}

const exec = { exec: { command: ['true'] } };
const cases: readonly (readonly [name: string, container: Partial<Container>, ready: number, restAt?: number])[] = [
  ['no probe', {}, 100],
  ['no probe, which waits for clients at once', {}, 5, 0],
  ['no probe, which waits for clients soon', {}, 35, 20],
  ['a readiness probe', { readinessProbe: exec }, 30],
  ['a startup probe', { startupProbe: exec }, 100],
  ['a startup probe that takes its time', { startupProbe: { ...exec, initialDelaySeconds: 1 } }, 1030],
  ['a hook and a readiness probe', { lifecycle: { postStart: exec }, readinessProbe: exec }, 60],
];
for (const [name, container, ready, restAt] of cases) {
  test(`a container with ${name} is ready after ${ready} ms`, async () => {
    assert.equal(await readyAfter(container, restAt), ready);
  });
}

for (const [when, late] of [
  ['before the look', 'timer'],
  ['during the look', 'look'],
] as const) {
  test(`a container whose time is over ${when} is ready, and somebody is told`, async () => {
    const clock = new ManualClock(0);
    let changes = 0;
    const stall = (): void => {
      clock.monotonic = () => 500;
    };
    const probes = new ContainerProbes({
      clock,
      context: { dial: () => assert.fail(), exec: () => assert.fail() },
      podIp: '10.244.0.2',
      container: { name: 'c' },
      isAtRest: () => {
        stall();
        return false;
      },
      onChange: () => changes++,
      onHookFailed: assert.fail,
      onPreStopFailed: assert.fail,
      onUnhealthy: assert.fail,
      onProbeWarning: assert.fail,
      onFatal: assert.fail,
    });
    if (late === 'timer') stall();
    for (let i = 0; i < 3; i++) await clock.advance(5);
    assert.deepEqual([probes.ready, probes.settling, changes], [true, false, 1]);
  });
}

test('a container that ends at once is never ready', async () => {
  const clock = new ManualClock(0);
  const nothing = (): void => {};
  const probes = new ContainerProbes({
    clock,
    context: { dial: () => assert.fail(), exec: () => assert.fail() },
    podIp: '10.244.0.2',
    container: { name: 'c' },
    isAtRest: () => false,
    onChange: assert.fail,
    onHookFailed: nothing,
    onPreStopFailed: nothing,
    onUnhealthy: nothing,
    onProbeWarning: nothing,
    onFatal: nothing,
  });
  await clock.advance(90);
  probes[Symbol.dispose]();
  await clock.advance(1000);
  assert.equal(probes.ready, false);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isAtRest } from './process-rest-sync.ts';

const skip = existsSync(`/proc/self/task/${process.pid}/children`) ? false : 'this kernel does not list children';

async function looks(script: string, until: (isAtRest: boolean) => boolean): Promise<boolean> {
  const child = spawn('sh', ['-c', `echo up; ${script}`], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  for (let tries = 0; tries < 1000; tries++) {
    if (until(isAtRest(pid))) break;
    await systemClock.sleep(10);
  }
  const last = isAtRest(pid);
  process.kill(-pid, 'SIGKILL');
  await once(child, 'exit');
  return last;
}

test('isAtRest() of a process that sleeps', { skip }, async () => {
  assert.equal(await looks('exec sleep 60', (rest) => rest), true);
});

test('isAtRest() of a process whose child does not sleep', { skip }, async () => {
  assert.equal(await looks('(while :; do :; done) & exec sleep 60', (rest) => !rest), false);
});

test('isAtRest() of a process that there is not', () => {
  assert.equal(isAtRest(2 ** 22 + 1), false);
});

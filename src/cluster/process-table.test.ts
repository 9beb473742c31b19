import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import test, { type TestContext } from 'node:test';
import { childrenOf, isRunning, processStart } from './process-table.ts';

/** A program that runs until the test is over; resolves once it is what was asked for, not a copy of ourselves. */
async function start(t: TestContext, command: string, args: readonly string[]): Promise<number> {
  const child: ChildProcess = spawn(command, args, { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return child.pid ?? assert.fail('no process was made');
}

const info = (holderPid: number, holderStart: string | undefined): Parameters<typeof isRunning>[0] => ({
  pid: 0,
  holderPid,
  holderStart: holderStart ?? assert.fail('it does not run'),
  apiPort: 0,
  startedAt: '',
});

test('a process has one start time, a later one a later', async (t) => {
  const pid = await start(t, 'sleep', ['600']);
  const [own, its] = [processStart(process.pid), processStart(pid)];
  assert.match(own ?? '', /^\d+$/);
  assert.ok(Number(its) >= Number(own));
  assert.equal(processStart(pid), its);
});

test('a name with spaces and parentheses does not confuse', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'clusterip-process-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const program = join(dir, 'a) Z (1 2 3');
  symlinkSync('/bin/sleep', program);
  const pid = await start(t, program, ['600']);
  assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /^\d+ \(a\) Z \(1 2 3\) /);
  assert.ok(Number(processStart(pid)) >= Number(processStart(process.pid)));
});

async function until(what: string, done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    if (done()) return;
    await setTimeout(5);
  }
  assert.fail(`still not after 30 s: ${what}`);
}

test('what has ended does not run, also while its parent has not yet taken notice', async (t) => {
  // The shell's child ends, and sleep, which the shell becomes, never asks for it.
  const pid = await start(t, 'sh', ['-c', ': & exec sleep 600']);
  const isZombie = (child: number): boolean => / Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8'));
  let children = childrenOf(pid);
  await until('the child has ended', () => {
    children = childrenOf(pid);
    return children.length === 1 && children.every(isZombie);
  });
  assert.equal(processStart(children[0] ?? 0), undefined);
});

test('children are those of the one process', async (t) => {
  const pid = await start(t, 'sleep', ['600']);
  assert.ok(childrenOf(process.pid).includes(pid));
  assert.deepEqual(childrenOf(pid), []);
});

test('there is no process of a number beyond all', () => {
  assert.deepEqual([processStart(2 ** 30), childrenOf(2 ** 30)], [undefined, []]);
});

test('a daemon runs while its process does, and another process of that number is not it', async (t) => {
  const pid = await start(t, 'sleep', ['600']);
  const own = info(pid, processStart(pid));
  assert.deepEqual([isRunning(own), isRunning({ ...own, holderStart: '1' })], [true, false]);
  process.kill(pid, 'SIGKILL');
  await until('the process is gone', () => !isRunning(own));
});

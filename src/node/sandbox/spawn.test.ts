import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openPipe, openProgram } from './descriptor-sync.ts';
import { type Child, spawnChild } from './spawn-sync.ts';
import { stageProgram } from '../stage/stage-program.ts';
import type { SystemCall } from '../stage/system-call.ts';

function start(calls: readonly SystemCall[], fds: readonly (number | 'ignore')[]): Child {
  const program = openProgram(stageProgram(calls, process.arch as 'x64' | 'arm64'));
  try {
    return spawnChild(`/proc/${process.pid}/fd/${program}`, fds);
  } finally {
    closeSync(program);
  }
}

function exec(...argv: readonly string[]): readonly SystemCall[] {
  return [{ name: 'execve', args: [argv[0] ?? '', argv, []], action: 'exec' }];
}

test('a child says how it ended', async () => {
  const child = start(exec('/bin/sh', '-c', 'exit 7'), ['ignore', 'ignore', 'ignore']);
  assert.equal(child.running, true);
  assert.deepEqual(await child.exited, { code: 7, signal: undefined });
  assert.equal(child.running, false);
  // Whoever has the number now is left alone.
  child.kill('SIGKILL');
});

test('a child that is killed names the signal', async () => {
  const child = start(exec('/bin/sleep', '1000'), ['ignore', 'ignore', 'ignore']);
  child.kill('SIGTERM');
  assert.deepEqual(await child.exited, { code: 143, signal: 'SIGTERM' });
});

test('a child has the descriptors in their order, even where the numbers cross, and ignores no signal', async () => {
  const out = openPipe();
  const text =
    '[ -e /proc/self/fd/4 ] && [ ! -e /proc/self/fd/6 ] && readlink /proc/self/fd/5; grep SigIgn /proc/self/status';
  // 2 and 1 change places.
  const child = start(exec('/bin/sh', '-c', text), ['ignore', out.write, out.write, 2, 1, 0]);
  closeSync(out.write);
  assert.deepEqual(await child.exited, { code: 0, signal: undefined });
  const said = readFileSync(out.read, 'utf8').split('\n');
  closeSync(out.read);
  assert.match(said.at(-2) ?? '', /^SigIgn:\s+0+$/);
});

test('what is no program cannot be started', () => {
  assert.throws(() => spawnChild('/nowhere', ['ignore', 'ignore', 'ignore']), {
    code: 'ENOENT',
    message: 'Cannot start a process: ENOENT',
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#base/clock.ts';
import { removeTree } from './sandbox/remove-tree-sync.ts';
import { isReady } from './testing/pod-summary.ts';
import { isolationArgs } from './testing/isolated.ts';

const MARK = 'CLUSTERIP_KILL_TEST';

/** Command lines of the machine's processes that hold `text`. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(text) ? [line] : [];
      } catch {
        return [];
      }
    });
}

async function eventually(what: string, done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (done()) return;
    await systemClock.sleep(5);
  }
  throw new Error(`Cannot go on: ${what}`);
}

/** The daemon of this test: runs one Pod that has children, and says when it is there. */
async function runDaemon(mark: string): Promise<void> {
  const { SandboxRuntime } = await import('./sandbox/runtime-agent.ts');
  const { TestNodes } = await import('./testing/test-nodes.ts');
  const nodes = await TestNodes.start(new SandboxRuntime(systemClock), 1);
  await nodes.run('doomed', { command: ['sh', '-c', `sleep ${mark} & setsid sleep ${mark} & wait`] });
  await nodes.until('doomed', isReady);
  process.stdout.write('running\n');
}

const mark = process.env[MARK];
if (mark !== undefined) await runDaemon(mark);
else {
  test('nothing of a Pod outlives a daemon that is killed', async () => {
    const seconds = `98765.${process.pid}`;
    const temporary = mkdtempSync(`${tmpdir()}/clusterip-kill-`);
    try {
      const args = [...isolationArgs(), process.execPath, fileURLToPath(import.meta.url)];
      const daemon = spawn('unshare', args, {
        env: { ...process.env, [MARK]: seconds, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(daemon.stdout, 'data');
      const sleepers = (): readonly string[] => processesWith(`sleep ${seconds}`);
      await eventually('the Pod has no children', () => sleepers().length >= 3);
      daemon.kill('SIGKILL');
      await eventually('processes are left', () => sleepers().length === 0);
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
      assert.equal(mounts.includes(temporary), false, mounts);
    } finally {
      removeTree(temporary);
    }
  });
}

import { existsSync, readFileSync, rmSync } from 'node:fs';
import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { errorCode } from '#base/errors.ts';
import { removeCgroups } from '#node/cgroup/cgroup-tree-sync.ts';
import { childrenOf, isRunning } from './process-table.ts';
import { readRunInfo, removeRunInfo, type RunInfo, type StateDir } from './state-dir.ts';

/** How long a daemon may take to end its Pods and close its database. */
const GRACE_MS = 10_000;

/** Ends a running cluster; every object stays in its state directory. */
export async function stopCluster(dir: StateDir): Promise<'stopped' | 'not-running'> {
  const info = readRunInfo(dir);
  const running = info !== undefined && isRunning(info);
  if (running) {
    signal(childrenOf(info.holderPid)[0] ?? info.pid, 'SIGTERM');
    // Whatever is left after that ends with the namespaces' first process.
    if (!(await ended(info, GRACE_MS))) {
      signal(info.holderPid, 'SIGKILL');
      await ended(info, GRACE_MS);
    }
  }
  removeRunInfo(dir);
  removeLeftCgroups(dir);
  return running ? 'stopped' : 'not-running';
}

/** Of a daemon that did not come to it. */
function removeLeftCgroups(dir: StateDir): void {
  if (!existsSync(dir.cgroupsFile)) return;
  removeCgroups(
    readFileSync(dir.cgroupsFile, 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  rmSync(dir.cgroupsFile, { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

async function ended(info: RunInfo, withinMs: number): Promise<boolean> {
  const deadline = systemClock.monotonic() + withinMs;
  while (isRunning(info)) {
    if (systemClock.monotonic() > deadline) return false;
    await systemClock.sleep(10);
  }
  return true;
}

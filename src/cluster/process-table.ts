import { readFileSync } from 'node:fs';
import { readRunInfo, type RunInfo, type StateDir } from './state-dir.ts';

/** Start time of a process in clock ticks since boot (proc(5), field 22 of stat), or undefined when there is none. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces and parentheses of its own.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text
      .split(' ')
      .filter((part) => part !== '')
      .map(Number);
  } catch {
    return [];
  }
}

export function isRunning(info: RunInfo): boolean {
  return processStart(info.holderPid) === info.holderStart;
}

/** Whether it answers. */
export function isUp(dir: StateDir): boolean {
  const info = readRunInfo(dir);
  return info !== undefined && isRunning(info) && info.apiPort !== 0;
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Usage } from '../cgroup/usage.ts';

/** sysconf(_SC_CLK_TCK): a constant of the kernel's interface on every machine that Node runs on. */
const TICK_NANOSECONDS = 10_000_000;

/**
 * What the processes of a container use, as procfs counts it: those that are in the same namespace as `pid`, the first
 * of them. Where Pods share their process namespace the file system tells whose a process is. Time of processes that
 * nobody waited for is lost.
 */
export function processUsage(pid: number, sharedProcesses: boolean): Usage | undefined {
  const kind = sharedProcesses ? 'mnt' : 'pid';
  const wanted = namespaceOf(pid, kind);
  if (wanted === undefined) return undefined;
  let ticks = 0;
  let rss = 0;
  let anonymous = 0;
  let processes = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || namespaceOf(Number(name), kind) !== wanted) continue;
    const stat = read(`/proc/${name}/stat`);
    const status = read(`/proc/${name}/status`);
    if (stat === undefined || status === undefined) continue;
    // utime, stime, and those of children that were waited for: fields 14 to 17 of proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    for (let field = 11; field <= 14; field++) ticks += Number(fields[field]);
    rss += kibibytes(status, 'VmRSS');
    anonymous += kibibytes(status, 'RssAnon');
    processes++;
  }
  return {
    cpuNanoseconds: ticks * TICK_NANOSECONDS,
    memoryBytes: rss,
    workingSetBytes: rss,
    rssBytes: anonymous,
    processes,
  };
}

export interface Traffic {
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** Of the interface `eth0` in the network of a process. */
export function readTraffic(pid: number): Traffic | undefined {
  const line = /^\s*eth0:\s*(.*)$/m.exec(read(`/proc/${pid}/net/dev`) ?? '')?.[1];
  if (line === undefined) return undefined;
  const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = line.split(/\s+/).map(Number);
  return { rxBytes, rxErrors, txBytes, txErrors };
}

function namespaceOf(pid: number, kind: 'pid' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function kibibytes(status: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

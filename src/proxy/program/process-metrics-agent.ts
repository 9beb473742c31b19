import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { type Clock } from '#base/clock.ts';
import { type Metric } from '#base/exposition.ts';

/** What every program that Prometheus scrapes tells of itself; left out is what the system does not tell. */
export function processMetrics(clock: Clock): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const one = (name: string, help: string, value: number, type: Metric['type'] = 'gauge'): Metric => ({
    name: `process_${name}`,
    help,
    type,
    samples: Number.isFinite(value) ? [{ labels: {}, value }] : [],
  });
  return [
    one('cpu_seconds_total', 'Processor time used.', (user + system) / 1e6, 'counter'),
    one('open_fds', 'Open files and sockets.', openFiles()),
    one('resident_memory_bytes', 'Memory in use.', process.memoryUsage.rss()),
    one('virtual_memory_bytes', 'Address space in use.', virtualBytes()),
    one('start_time_seconds', 'When it started, since 1970.', clock.now() / 1000 - process.uptime()),
  ];
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}

function virtualBytes(): number {
  try {
    return Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

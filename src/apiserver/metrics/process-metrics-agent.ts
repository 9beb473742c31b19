import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { Clock } from '#base/clock.ts';
import type { Metric } from '#base/exposition.ts';

function gauge(name: string, help: string, value: number | undefined): Metric {
  return { name, help, type: 'gauge', samples: value === undefined ? [] : [{ labels: {}, value }] };
}

/** Absent where the system does not tell, as in a container without /proc. */
function fromProc<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function statusBytes(field: string): number | undefined {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

/** What every program that Prometheus scrapes tells of itself. */
export function processMetrics(clock: Clock): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const limits = fromProc(() => /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time used, by programs and by the kernel for them.',
      type: 'counter',
      samples: [{ labels: {}, value: (user + system) / 1e6 }],
    },
    gauge(
      'process_open_fds',
      'Open files and sockets.',
      fromProc(() => readdirSync('/proc/self/fd').length),
    ),
    gauge('process_max_fds', 'How many may be open.', limits === undefined ? undefined : Number(limits)),
    gauge('process_resident_memory_bytes', 'Memory in use.', process.memoryUsage.rss()),
    gauge(
      'process_virtual_memory_bytes',
      'Address space in use.',
      fromProc(() => statusBytes('VmSize')),
    ),
    gauge('process_start_time_seconds', 'When it started, since 1970.', clock.now() / 1_000 - process.uptime()),
  ];
}

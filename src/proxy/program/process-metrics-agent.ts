import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { Clock } from '#base/clock.ts';
import type { Metric } from '#base/exposition.ts';

/** undefined where the system does not tell, as in a container without /proc. */
function fromProc(read: () => number | string | undefined): number | undefined {
  try {
    const value = Number(read());
    return Number.isNaN(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

function proc(file: string): string {
  return readFileSync(`/proc/self/${file}`, 'utf8');
}

function limit(name: string): number | undefined {
  return fromProc(() =>
    new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(proc('limits'))?.[1]?.replace('unlimited', 'Infinity'),
  );
}

/** Octets of all IP packets in the network namespace (`IpExt` of /proc/net/netstat: a line of names, a line of values). */
function octets(name: 'InOctets' | 'OutOctets'): number | undefined {
  return fromProc(() => {
    const [names = [], values = []] = [...proc('net/netstat').matchAll(/^IpExt: (.*)$/gm)].map(([, line = '']) =>
      line.split(' '),
    );
    return values[names.indexOf(name)];
  });
}

/** What every program that Prometheus scrapes tells of itself, under the names that its libraries have in common. */
export function processMetrics(clock: Clock): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  const one = (type: 'counter' | 'gauge', name: string, help: string, value: number | undefined): Metric => ({
    name,
    help,
    type,
    samples: value === undefined ? [] : [{ labels: {}, value }],
  });
  return [
    one(
      'counter',
      'process_cpu_seconds_total',
      'Processor time used, by programs and by the kernel for them.',
      (user + system) / 1e6,
    ),
    one(
      'gauge',
      'process_open_fds',
      'Open files and sockets.',
      fromProc(() => readdirSync('/proc/self/fd').length),
    ),
    one('gauge', 'process_max_fds', 'How many may be open.', limit('Max open files')),
    one('gauge', 'process_resident_memory_bytes', 'Memory in use.', rss),
    one(
      'gauge',
      'process_virtual_memory_bytes',
      'Address space in use.',
      fromProc(() => Number(/^VmSize:\s+(\d+) kB$/m.exec(proc('status'))?.[1]) * 1_024),
    ),
    one(
      'gauge',
      'process_virtual_memory_max_bytes',
      'How much address space there may be.',
      limit('Max address space'),
    ),
    one(
      'counter',
      'process_network_receive_bytes_total',
      'Bytes that came to the network namespace in IP packets.',
      octets('InOctets'),
    ),
    one('counter', 'process_network_transmit_bytes_total', 'Bytes that left it so.', octets('OutOctets')),
    one('gauge', 'process_start_time_seconds', 'When it started, since 1970.', clock.now() / 1_000 - process.uptime()),
    one('gauge', 'nodejs_heap_size_total_bytes', 'What the heap of JavaScript has of the memory.', heapTotal),
    one('gauge', 'nodejs_heap_size_used_bytes', 'What of it is used.', heapUsed),
    one('gauge', 'nodejs_external_memory_bytes', 'Memory that objects of JavaScript have elsewhere.', external),
  ];
}

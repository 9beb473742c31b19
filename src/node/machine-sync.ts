import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseResolvConf } from './pod/resolv-conf.ts';
import type { MachineFacts } from './node-status.ts';

export function readMachine(stateDir: string): MachineFacts {
  const machineId = read('/etc/machine-id').trim();
  const disk = statfsSync(stateDir);
  return {
    cpus: cpus().length,
    memoryKiB: Number(/^MemTotal:\s+(\d+)/m.exec(read('/proc/meminfo'))?.[1] ?? 0),
    diskKiB: Math.floor((disk.blocks * disk.bsize) / 1024),
    info: {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      bootID: read('/proc/sys/kernel/random/boot_id').trim(),
      kernelVersion: release(),
      machineID: machineId,
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(read('/etc/os-release'))?.[1] ?? 'Linux',
      // The real one may be read by root only.
      systemUUID: machineId,
    },
    hosts: read('/etc/hosts'),
    resolvConf: parseResolvConf(read('/etc/resolv.conf')),
  };
}

/** What is not there is empty: no machine has all of these files. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

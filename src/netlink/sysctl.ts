import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A kernel setting of the namespaces that the calling thread is in: /proc/sys/net shows every thread its own network
 * namespace. `name` as sysctl(8) has it, with dots or slashes: `net.ipv4.ip_forward`.
 */
export function writeSysctl(name: string, value: string | number): void {
  writeFileSync(sysctlPath(name), `${value}\n`);
}

export function readSysctl(name: string): string {
  return readFileSync(sysctlPath(name), 'latin1').trimEnd();
}

/** Names of interfaces may hold dots: they are written with slashes, as sysctl(8) accepts it too. */
export function sysctlPath(name: string): string {
  return `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;
}

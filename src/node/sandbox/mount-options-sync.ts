import { readFileSync } from 'node:fs';
import { isBelow } from './host-image.ts';

/** How the file system that holds `path` is mounted in the calling thread's mount namespace: `rw`, `nosuid`... */
export function mountOptionsOf(path: string): ReadonlySet<string> {
  return findMountOptions(readFileSync('/proc/thread-self/mountinfo', 'utf8'), path);
}

/** The last line wins among equals: it lies on top. */
export function findMountOptions(mountinfo: string, path: string): ReadonlySet<string> {
  let best = '';
  let options = '';
  for (const line of mountinfo.split('\n')) {
    const [, , , , point, flags] = line.split(' ');
    if (point === undefined || flags === undefined) continue;
    // Space, tab, newline and backslash are written in octal.
    const plain = point.replaceAll(/\\(\d{3})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    );
    if (!isBelow(path, plain) || plain.length < best.length) continue;
    best = plain;
    options = flags;
  }
  return new Set(options.split(','));
}

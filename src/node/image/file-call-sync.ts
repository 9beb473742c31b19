import { type CLibrary, cLibrary } from '#netlink/c-library.ts';
import { SystemError } from '#netlink/system-error.ts';

/** Calls about files that Node has no words for. */
interface Calls extends CLibrary {
  readonly mknodat: (number: number, dir: number, path: string, mode: number, device: number) => number;
  readonly setxattr: (path: string, name: string, value: Uint8Array, size: number, flags: number) => number;
}

const calls = cLibrary<Calls>({
  mknodat: 'long syscall(long, long, const char *, unsigned long, unsigned long)',
  setxattr: 'int lsetxattr(const char *, const char *, const void *, size_t, int)',
});

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const AT_FDCWD = -100;

export function makeFifo(path: string, mode: number): void {
  mknod(path, S_IFIFO | mode);
}

/** What overlayfs takes for "there is nothing here, whatever lies below"; a device with the number 0:0 needs no privilege. */
export function makeWhiteout(path: string): void {
  mknod(path, S_IFCHR);
}

function mknod(path: string, mode: number): void {
  const number = process.arch === 'x64' ? 259 : 33;
  if (calls().mknodat(number, AT_FDCWD, path, mode, 0) < 0) {
    throw new SystemError(`make a special file ${JSON.stringify(path)}`, calls().errno());
  }
}

/** Does not follow a link. */
export function setAttribute(path: string, name: string, value: Uint8Array): void {
  if (calls().setxattr(path, name, value, value.length, 0) < 0) {
    throw new SystemError(`set attribute ${name} of ${JSON.stringify(path)}`, calls().errno());
  }
}

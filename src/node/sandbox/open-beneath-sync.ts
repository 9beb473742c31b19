import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { errorCode } from '#base/errors.ts';
import { type CLibrary, cLibrary } from '#netlink/c-library.ts';
import { SystemError } from '#netlink/system-error.ts';
import { O_PATH } from './open-in-root-sync.ts';
import { pathParts } from './rooted-path-sync.ts';

interface Calls extends CLibrary {
  /** Variadic in C; both ABIs that we run on pass arguments as they do here. */
  readonly openat2: (number: number, dir: number, path: string, how: BigUint64Array, size: number) => number;
}

const calls = cLibrary<Calls>({
  openat2: 'long syscall(long, long, const char *, void *, unsigned long)',
});

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** The same on all architectures. */
const NR_OPENAT2 = 437;
const O_CLOEXEC = 0o2000000;
/** RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH */
const RESOLVE = 0x0an;
/** How often, in all, others may have renamed something on the way just now (EAGAIN), or taken away what was made. */
const ATTEMPTS = 128;

/**
 * What is at `path` in the directory `top`, as an O_PATH descriptor; a directory is made where nothing is. Links that lead
 * out of `top` are refused (EXDEV). Other processes may change the tree meanwhile, also so that a path that was looked at
 * leads elsewhere once it is used: the kernel looks it up, and holds on to what it finds.
 */
export function openBeneath(top: string, path: string): number {
  const fd = openSync(top, O_PATH | O_CLOEXEC);
  try {
    // One for each directory that has to be made.
    return openBelow(fd, path, { tries: ATTEMPTS + pathParts(path).length });
  } finally {
    closeSync(fd);
  }
}

function openBelow(top: number, path: string, left: { tries: number }): number {
  for (;;) {
    const fd = calls().openat2(
      NR_OPENAT2,
      top,
      `./${path}`,
      BigUint64Array.of(BigInt(O_PATH | O_CLOEXEC), 0n, RESOLVE),
      24,
    );
    if (fd >= 0) return fd;
    const error = new SystemError(`open ${JSON.stringify(path)} in a volume`, calls().errno());
    if (left.tries-- === 0 || (error.code !== 'EAGAIN' && error.code !== 'ENOENT')) throw error;
    if (error.code === 'ENOENT') makeBelow(top, path, left);
  }
}

/**
 * A link is not followed to where nothing is: what it leads to is not made. Who may write to the volume may write to its
 * parts, too, whatever our umask is.
 */
function makeBelow(top: number, path: string, left: { tries: number }): void {
  const parts = pathParts(path);
  const name = parts.pop();
  if (name === undefined) return;
  const parent = openBelow(top, parts.join('/'), left);
  try {
    mkdirSync(`/proc/self/fd/${parent}/${name}`, { mode: 0o700 });
    const made = openSync(`/proc/self/fd/${parent}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fchmodSync(made, fstatSync(top).mode & 0o7777);
    } finally {
      closeSync(made);
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(parent);
  }
}

import { type CLibrary, cLibrary } from './c-library.ts';
import { SystemError } from './system-error.ts';

/** #define MOUNT_ATTR_RDONLY 0x1, and its neighbours in <linux/mount.h>. */
export const MOUNT_ATTR_RDONLY = 1;
export const MOUNT_ATTR_NOSUID = 2;
export const MOUNT_ATTR_NODEV = 4;

/** Variadic in C; both ABIs that we run on pass arguments as they do here. */
interface Calls extends CLibrary {
  readonly openTree: (number: number, dir: number, path: string, flags: number) => number;
  readonly moveMount: (
    number: number,
    fromDir: number,
    fromPath: string,
    toDir: number,
    toPath: string,
    flags: number,
  ) => number;
  readonly setAttributes: (
    number: number,
    dir: number,
    path: string,
    flags: number,
    attr: BigUint64Array,
    size: number,
  ) => number;
}

const calls = cLibrary<Calls>({
  openTree: 'long syscall(long, long, const char *, unsigned long)',
  moveMount: 'long syscall(long, long, const char *, long, const char *, unsigned long)',
  setAttributes: 'long syscall(long, long, const char *, unsigned long, void *, unsigned long)',
});

/**
 * open_tree(2): a mount of what is at `source`, with `recursive` also of all that is mounted below, which nobody sees before
 * `attachTree()`. It goes when the descriptor is closed before that. Linux 5.2.
 */
export function openTree(source: string, recursive: boolean): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  const fd = calls().openTree(NR_OPEN_TREE, AT_FDCWD, source, flags);
  if (fd < 0) throw new SystemError(`open a mount of ${JSON.stringify(source)}`, calls().errno());
  return fd;
}

/** move_mount(2): puts the mount at `target`, of which a last link is followed. Errors call it by its `name`. */
export function attachTree(tree: number, target: string, name: string = target): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
  if (calls().moveMount(NR_MOVE_MOUNT, tree, '', AT_FDCWD, target, flags) < 0) {
    throw new SystemError(`put a mount at ${JSON.stringify(name)}`, calls().errno());
  }
}

/**
 * mount_setattr(2): adds attributes to the mount at `target`, and with `recursive` to all below it. What it has already
 * stays, so that nothing is asked of a user namespace that it may not do. ENOSYS before Linux 5.12.
 */
export function addMountAttributes(target: string, attributes: number, recursive: boolean): void {
  // struct mount_attr { attr_set, attr_clr, propagation, userns_fd }
  const attr = BigUint64Array.of(BigInt(attributes), 0n, 0n, 0n);
  const flags = recursive ? AT_RECURSIVE : 0;
  if (calls().setAttributes(NR_MOUNT_SETATTR, AT_FDCWD, target, flags, attr, attr.byteLength) < 0) {
    throw new SystemError(`set attributes of the mount at ${JSON.stringify(target)}`, calls().errno());
  }
}

/** The same for all architectures. */
const NR_OPEN_TREE = 428;
const NR_MOVE_MOUNT = 429;
const NR_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_SYMLINKS = 0x10;

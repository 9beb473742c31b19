import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { SystemError } from './system-error.ts';

/** #define MOUNT_ATTR_RDONLY 0x1, and its neighbours in <linux/mount.h>. */
export const MOUNT_ATTR_RDONLY = 1;
export const MOUNT_ATTR_NOSUID = 2;
export const MOUNT_ATTR_NODEV = 4;

type MountSetattr = (
  number: number,
  dir: number,
  path: string,
  flags: number,
  attr: BigUint64Array,
  size: number,
) => number;

let loaded: { readonly call: MountSetattr; readonly errno: () => number } | undefined;

function load(): NonNullable<typeof loaded> {
  if (loaded !== undefined) return loaded;
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const declaration = 'long syscall(long, long, const char *, unsigned long, void *, unsigned long)';
  const call = koffi.load(null).func(declaration) as unknown as MountSetattr;
  loaded = { call, errno: () => koffi.errno() };
  return loaded;
}

/**
 * mount_setattr(2): adds attributes to the mount at `target`, and with `recursive` to all below it. What it has already
 * stays, so that nothing is asked of a user namespace that it may not do. ENOSYS before Linux 5.12.
 */
export function addMountAttributes(target: string, attributes: number, recursive: boolean): void {
  const { call, errno } = load();
  // struct mount_attr { attr_set, attr_clr, propagation, userns_fd }
  const attr = BigUint64Array.of(BigInt(attributes), 0n, 0n, 0n);
  if (call(NR_MOUNT_SETATTR, AT_FDCWD, target, recursive ? AT_RECURSIVE : 0, attr, attr.byteLength) < 0) {
    throw new SystemError(`set attributes of the mount at ${JSON.stringify(target)}`, errno());
  }
}

/** The same for all architectures. */
const NR_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;

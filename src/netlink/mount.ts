import * as native from './native.ts';

/** #define MS_RDONLY 1, and its neighbours in <linux/mount.h>. */
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 16384;
export const MS_PRIVATE = 0x40000;
export const MS_SLAVE = 0x80000;
export const MS_SHARED = 0x100000;

/** umount2(2): take it away now, let go of it when nothing uses it any more. */
export const MNT_DETACH = 2;

/** mount(2) in the mount namespace of the calling thread. */
export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags: number = 0,
  data: string | null = null,
): void {
  native.mount(source, target, type, flags, data);
}

export function umount(target: string, flags: number = 0): void {
  native.umount2(target, flags);
}

/** A new mount namespace still passes mounts to and from its origin until this is called. */
export function makeMountsPrivate(target: string = '/'): void {
  native.mount('none', target, null, MS_REC | MS_PRIVATE, null);
}

export function bindMount(source: string, target: string, flags: number = MS_REC): void {
  native.mount(source, target, null, MS_BIND | flags, null);
}

/** pivot_root(2): `root` becomes `/`, what was `/` appears at `oldRoot`, a path below `root`. */
export function pivotRoot(root: string, oldRoot: string): void {
  native.pivotRoot(root, oldRoot);
}

/** Workers lack `process.chdir`. It moves all threads unless this one has called unshare(CLONE_FS). */
export function chdir(path: string): void {
  native.chdir(path);
}

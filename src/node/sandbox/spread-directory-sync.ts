import { closeSync, constants, openSync } from 'node:fs';
import { SystemError } from '#netlink/system-error.ts';
import { ioctl } from './descriptor-sync.ts';

// The same on both architectures: _IOR('f', 1, long) and _IOW('f', 2, long), which the kernel reads as int.
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_TOPDIR_FL = 0x20000;

/**
 * Tells ext4 that the directories in this one have nothing to do with each other (`chattr +T`), so that it spreads them
 * over the disk. A Pod makes a hundred inodes and leaves them again: where all of them are in one block group and the file
 * system has no journal, each new one is looked for among all that were deleted in the last half minute.
 *
 * True if the file system knows of such a thing; others go their own way.
 */
export function spreadDirectory(path: string): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const flags = new Int32Array(2);
    ioctl(fd, FS_IOC_GETFLAGS, flags, 'read the flags of a directory');
    flags[0] = (flags[0] ?? 0) | FS_TOPDIR_FL;
    ioctl(fd, FS_IOC_SETFLAGS, flags, 'set the flags of a directory');
    ioctl(fd, FS_IOC_GETFLAGS, flags, 'read the flags of a directory');
    return ((flags[0] ?? 0) & FS_TOPDIR_FL) !== 0;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
}

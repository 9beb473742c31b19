import { lstat, readdir } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import type { DiskState } from './disk-threshold.ts';

/** Where a Pod keeps things on the disk. */
export interface StoragePaths {
  readonly podDirectory: string;
  readonly logDirectory: string;
}

/** Its log, and what each of its runs wrote over the image. */
export async function containerDirectories(
  { podDirectory, logDirectory }: StoragePaths,
  name: string,
): Promise<readonly string[]> {
  const runs = await readdir(`${podDirectory}/containers`).catch(() => []);
  const own = runs.filter((run) => run.startsWith(`${name}-`) && /^\d+$/.test(run.slice(name.length + 1)));
  return [`${logDirectory}/${name}`, ...own.map((run) => `${podDirectory}/containers/${run}`)];
}

export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * What trees take on the disk. What goes meanwhile, or may not be read, takes nothing; nor do volumes in memory, which only
 * the thread of the sandboxes sees, and not the pool that reads here.
 */
export async function diskUse(paths: readonly string[]): Promise<DiskUse> {
  return totalUse(await Promise.all(paths.map(treeUse)));
}

export function totalUse(uses: readonly DiskUse[]): DiskUse {
  return {
    bytes: uses.reduce((sum, { bytes }) => sum + bytes, 0),
    inodes: uses.reduce((sum, { inodes }) => sum + inodes, 0),
  };
}

async function treeUse(path: string): Promise<DiskUse> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return { bytes: 0, inodes: 0 };
  let bytes = stat.blocks * 512;
  let inodes = 1;
  const names = stat.isDirectory() ? await readdir(path).catch(() => []) : [];
  for (const name of names) {
    const use = await treeUse(`${path}/${name}`);
    bytes += use.bytes;
    inodes += use.inodes;
  }
  return { bytes, inodes };
}

/** Of the file system that a directory is on, as `df` counts for users who are not root. */
export function readDisk(directory: string): DiskState {
  const { blocks, bavail, bsize, files, ffree } = statfsSync(directory);
  return { bytes: blocks * bsize, availableBytes: bavail * bsize, inodes: files, freeInodes: ffree };
}

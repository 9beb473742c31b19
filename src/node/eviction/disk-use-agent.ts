import { lstat, readdir } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import type { DiskState } from './disk-threshold.ts';

/** Where a Pod keeps things on the disk. */
export interface StoragePaths {
  readonly podDirectory: string;
  readonly logDirectory: string;
}

export function volumeDirectory({ podDirectory }: StoragePaths, name: string): string {
  return `${podDirectory}/volumes/${name}`;
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

/** Bytes that trees take on the disk. What goes meanwhile, or may not be read, takes none. */
export async function diskUse(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(treeUse));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function treeUse(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return 0;
  let bytes = stat.blocks * 512;
  if (!stat.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) bytes += await treeUse(`${path}/${name}`);
  return bytes;
}

/** Of the file system that a directory is on, as `df` counts for users who are not root. */
export function readDisk(directory: string): DiskState {
  const { blocks, bavail, bsize, files, ffree } = statfsSync(directory);
  return { bytes: blocks * bsize, availableBytes: bavail * bsize, inodes: files, freeInodes: ffree };
}

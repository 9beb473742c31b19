import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { VolumeDirectories } from '#controllers/volume/provisioner.ts';

/** The directories of provisioned volumes: one each, below one that only the cluster's owner enters. */
export function volumeDirectories(root: string): VolumeDirectories {
  return {
    async create(name) {
      await mkdir(root, { recursive: true, mode: 0o700 });
      const path = join(root, name);
      await mkdir(path, { recursive: true });
      // Whoever a container runs as may write to it; the umask would have a say in `mkdir`.
      await chmod(path, 0o777);
      return path;
    },
    async remove(path) {
      if (dirname(path) !== root || basename(path) === '..') {
        throw new RangeError(`Cannot delete volume directory "${path}": it is not below "${root}"`);
      }
      await rm(path, { recursive: true, force: true });
    },
  };
}

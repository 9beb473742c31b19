import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { errorCode } from '#base/errors.ts';

/**
 * Removes a state directory with what Pods left in it. Overlayfs keeps directories that nobody may look into, and a Pod
 * can make more of them: their owner has to allow himself to do so first, where he is not root.
 */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error;
    unlock(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function unlock(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) unlock(`${path}/${name}`);
}

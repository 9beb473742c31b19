import { closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { errorCode } from '#base/errors.ts';
import { MAX_LINKS, pathParts } from './rooted-path-sync.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Not in Node. */
export const O_PATH = 0o10000000;

/**
 * Passes on a path to what is at `path` as a process sees it whose root is `root`, good as long as `use` runs. What is
 * missing is made: directories, and at the end what `missing` says. Other than with `resolveInRoot()` nobody who changes
 * the tree meanwhile can make that lead out of the root, since each directory on the way is held on to.
 */
export function inRoot<T>(root: string, path: string, missing: 'directory' | 'file', use: (path: string) => T): T {
  /** From the root down to where we are. */
  const way = [openSync(root, O_PATH)];
  try {
    const todo = pathParts(path);
    let links = 0;
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      if (part === '..') {
        if (way.length > 1) leave(way);
        continue;
      }
      const at = `${pathOf(way)}/${part}`;
      const fd = openOrMake(at, todo.length === 0 ? missing : 'directory');
      way.push(fd);
      if (!fstatSync(fd).isSymbolicLink()) continue;
      leave(way);
      if (++links > MAX_LINKS) throw new Error(`Cannot follow ${JSON.stringify(path)}: too many symbolic links`);
      const to = readlinkSync(at);
      while (to.startsWith('/') && way.length > 1) leave(way);
      todo.unshift(...pathParts(to));
    }
    return use(pathOf(way));
  } finally {
    while (way.length > 0) leave(way);
  }
}

/** Leads to what is open, whatever has become of its names. */
function pathOf(way: readonly number[]): string {
  return `/proc/self/fd/${way.at(-1)}`;
}

function leave(way: number[]): void {
  const fd = way.pop();
  if (fd !== undefined) closeSync(fd);
}

/** No call here follows a link: one that is there now is opened itself. */
function openOrMake(path: string, missing: 'directory' | 'file'): number {
  try {
    return openSync(path, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  try {
    if (missing === 'directory') mkdirSync(path);
    else closeSync(openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return openSync(path, O_PATH | O_NOFOLLOW);
}

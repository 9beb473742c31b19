import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { errorCode } from '#base/errors.ts';

export interface RootedPath {
  /** On the machine, below the root, with no symbolic link left in it. */
  readonly path: string;
  /** What is there; undefined when nothing is. Parents may be missing, too. */
  readonly stat: Stats | undefined;
}

/** As the kernel has it: more than this is ELOOP. */
export const MAX_LINKS = 40;

/**
 * Finds `path` as a process sees it whose root is `root`: absolute links and `..` stay inside. Following links with the
 * machine's own root would mount over, or write into, the machine's files. Whoever changes the tree before the path is used
 * may lead that astray: where others can, `inRoot()` is what to use for writing.
 */
export function resolveInRoot(root: string, path: string): RootedPath {
  const done: string[] = [];
  const todo = pathParts(path);
  let links = 0;
  let stat: Stats | undefined = lstatOrNothing(root);
  while (todo.length > 0) {
    const part = todo.shift() ?? '';
    if (part === '..') {
      done.pop();
      stat = lstatOrNothing(join(root, done));
      continue;
    }
    done.push(part);
    stat = lstatOrNothing(join(root, done));
    if (stat?.isSymbolicLink() !== true) continue;
    if (++links > MAX_LINKS) throw new Error(`Cannot follow ${JSON.stringify(path)}: too many symbolic links`);
    const to = readlinkSync(join(root, done));
    done.pop();
    if (to.startsWith('/')) done.length = 0;
    todo.unshift(...pathParts(to));
    stat = lstatOrNothing(join(root, done));
  }
  return { path: join(root, done), stat };
}

/** The text of a file as a process sees it whose root is `root`; empty when there is none. */
export function readInRoot(root: string, file: string): string {
  const { path, stat } = resolveInRoot(root, file);
  if (stat?.isFile() !== true) return '';
  // It may be a pipe by now, which nobody writes to.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const opened = fstatSync(fd);
    return opened.isFile() && opened.size < MAX_TEXT ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}

const MAX_TEXT = 1 << 20;

export function pathParts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function join(root: string, parts: readonly string[]): string {
  if (parts.length === 0) return root;
  return `${root === '/' ? '' : root}/${parts.join('/')}`;
}

function lstatOrNothing(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { HostPathVolumeSource } from '#api/generated/types.ts';
import { ContainerConfigError } from '../pod/container-env.ts';
import { O_PATH } from '../sandbox/open-in-root-sync.ts';
import type { VolumeFile } from './volume-files.ts';

const DATA = '..data';

/**
 * Makes the files of a volume be exactly `files`, all at once for its readers: they lie in a directory of their own,
 * which `..data` points to, and the names in the volume point through it. Does nothing when they are so already. They
 * belong to `group` before anybody sees them: who may read the old ones only by it goes on reading.
 */
export function writeVolume(
  directory: string,
  files: readonly VolumeFile[],
  version: string,
  group: number | undefined,
): void {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o777);
  const old = currentOf(directory);
  if (old === undefined || !holds(`${directory}/${old}`, files)) {
    removeLeftovers(directory, old);
    try {
      writeFiles(`${directory}/..${version}`, files, group);
      symlinkSync(`..${version}`, `${directory}/..data_tmp`);
      renameSync(`${directory}/..data_tmp`, `${directory}/${DATA}`);
    } catch (error) {
      // On a full disk each attempt would take more of it.
      removeLeftovers(directory, old);
      throw error;
    }
    if (old !== undefined) rmSync(`${directory}/${old}`, { recursive: true, force: true });
  }
  linkNames(directory, new Set(files.map(({ path }) => path.split('/')[0] ?? '')));
}

/** Of a process that was killed in the middle of it. */
function removeLeftovers(directory: string, current: string | undefined): void {
  for (const entry of readdirSync(directory)) {
    if (!entry.startsWith('..') || entry === DATA || entry === current) continue;
    rmSync(`${directory}/${entry}`, { recursive: true, force: true });
  }
}

function writeFiles(directory: string, files: readonly VolumeFile[], group: number | undefined): void {
  mkdirSync(directory, { mode: 0o755 });
  for (const { path, data, mode } of files) {
    // The API lets nobody have such a path, but who knows for how long.
    if (path === '' || /^\/|^\.\./.test(path) || path.split('/').includes('..')) {
      throw new ContainerConfigError(`invalid path in volume: ${path}`);
    }
    const target = `${directory}/${path}`;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, data);
    chmodSync(target, mode);
  }
  if (group !== undefined) giveToGroup(directory, group, true);
}

function currentOf(directory: string): string | undefined {
  return lstatSync(`${directory}/${DATA}`, { throwIfNoEntry: false }) && readlinkSync(`${directory}/${DATA}`);
}

function holds(directory: string, files: readonly VolumeFile[]): boolean {
  const present = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (present.length !== files.length) return false;
  return files.every(({ path, data, mode }) => {
    const stat = statSync(`${directory}/${path}`, { throwIfNoEntry: false });
    // A group that the volume was given to may read more than it says.
    if (stat === undefined || (stat.mode & 0o7337) !== (mode & 0o7337)) return false;
    return readFileSync(`${directory}/${path}`).equals(data);
  });
}

function linkNames(directory: string, names: ReadonlySet<string>): void {
  for (const entry of readdirSync(directory)) {
    if (!entry.startsWith('..') && !names.has(entry)) rmSync(`${directory}/${entry}`);
  }
  for (const name of names) {
    if (lstatSync(`${directory}/${name}`, { throwIfNoEntry: false }) === undefined) {
      symlinkSync(`${DATA}/${name}`, `${directory}/${name}`);
    }
  }
}

/**
 * A directory that any user of any container may write to, those of `group` also to what others make in it. It comes
 * into being as a whole, and what the Pod made of one that is there already stays.
 */
export function makeEmptyDir(directory: string, group: number | undefined): void {
  if (existsSync(directory)) return;
  const fresh = `${directory}.new`;
  mkdirSync(fresh, { recursive: true });
  chmodSync(fresh, 0o777);
  if (group !== undefined) giveToGroup(fresh, group, false);
  renameSync(fresh, directory);
}

/**
 * Gives a volume to `group`, as fsGroup asks: its members may read it, and write to it unless it is `readOnly`. Pods that
 * have it already may put links into it meanwhile: what is changed is what is held open, and no path of more than a name.
 */
export function giveToGroup(path: string, group: number, readOnly: boolean): void {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(fd);
    if (stat.isSymbolicLink()) {
      lchownSync(path, stat.uid, group);
      return;
    }
    const held = `/proc/self/fd/${fd}`;
    chownSync(held, stat.uid, group);
    const mode = stat.mode | (readOnly ? 0o440 : 0o660);
    // New files in it belong to the group, too.
    chmodSync(held, (stat.isDirectory() ? mode | 0o2110 : mode) & 0o7777);
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(held)) giveToGroup(`${held}/${name}`, group, readOnly);
  } finally {
    closeSync(fd);
  }
}

/** Checks, or makes, what a hostPath volume asks for. */
export function prepareHostPath({ path, type = '' }: HostPathVolumeSource): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined && (type === '' || type === 'DirectoryOrCreate')) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (stat === undefined && type === 'FileOrCreate') {
    closeSync(openSync(path, 'a', 0o644));
    return;
  }
  const wanted = hostPathTypes.get(type);
  if (wanted === undefined || (stat !== undefined && wanted.is(stat))) return;
  throw new ContainerConfigError(`hostPath type check failed: ${path} is not ${wanted.what}`);
}

interface HostPathType {
  readonly what: string;
  readonly is: (stat: Stats) => boolean;
}

const directory: HostPathType = { what: 'a directory', is: (stat) => stat.isDirectory() };
const file: HostPathType = { what: 'a file', is: (stat) => stat.isFile() };

const hostPathTypes: ReadonlyMap<string, HostPathType> = new Map([
  ['DirectoryOrCreate', directory],
  ['Directory', directory],
  ['FileOrCreate', file],
  ['File', file],
  ['Socket', { what: 'a socket file', is: (stat) => stat.isSocket() }],
  ['CharDevice', { what: 'a character device', is: (stat) => stat.isCharacterDevice() }],
  ['BlockDevice', { what: 'a block device', is: (stat) => stat.isBlockDevice() }],
]);

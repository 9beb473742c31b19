import {
  chmodSync,
  closeSync,
  fchmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { resolveInRoot } from '../sandbox/rooted-path-sync.ts';
import { makeFifo, makeWhiteout, setAttribute } from './file-call-sync.ts';
import { ImageFormatError } from './manifest.ts';
import { type IdMaps, isMapped } from '../stage/id-map.ts';
import { readTar, type TarEntry, type TarReader } from './tar.ts';

/** Users and groups that there are here. */
export type OwnerMaps = Pick<IdMaps, 'users' | 'groups'>;

export interface UnpackOptions {
  /** As root of the machine: overlayfs reads what only he may write. */
  readonly privileged: boolean;
  /** Who may own files, as the archive says; what belongs to anybody else belongs to us. Absent: all of it does. */
  readonly owners: OwnerMaps | undefined;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * Unpacks a layer into an empty directory, as overlayfs wants to find it. Nothing outside of the directory is touched,
 * whatever paths and links the archive holds.
 */
export async function unpackLayer(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  options: UnpackOptions,
): Promise<void> {
  const layer = new LayerDirectory(directory, options);
  const tar = readTar(source);
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) await layer.add(entry, tar);
  await tar.drain();
  layer.finish();
}

class LayerDirectory {
  readonly #root: string;
  readonly #privileged: boolean;
  readonly #owners: OwnerMaps | undefined;
  /** Set at the end: until then we have to be able to write into them. */
  readonly #directories = new Map<string, TarEntry>();

  constructor(root: string, { privileged, owners }: UnpackOptions) {
    this.#root = root;
    this.#privileged = privileged;
    this.#owners = owners;
  }

  async add(entry: TarEntry, tar: TarReader): Promise<void> {
    const parts = partsOf(entry.path);
    const name = parts.pop();
    if (name === undefined) {
      this.#directories.set(this.#root, entry);
      return;
    }
    const parent = this.#parent(parts);
    const path = `${parent}/${name}`;
    if (name.startsWith(WHITEOUT)) this.#whiteOut(parent, name);
    else await this.#make(path, entry, tar);
  }

  finish(): void {
    for (const [path, entry] of [...this.#directories].toReversed()) {
      this.#giveAway(path, entry);
      chmodSync(path, entry.mode);
      this.#attributes(path, entry);
      this.#date(path, entry);
    }
  }

  async #make(path: string, entry: TarEntry, tar: TarReader): Promise<void> {
    const before = lstatSync(path, { throwIfNoEntry: false });
    if (entry.kind === 'directory') {
      this.#makeDirectory(path, entry, before);
      return;
    }
    // Found before what is in its place goes, which might be the same.
    const target = entry.kind === 'link' ? this.#linked(entry) : '';
    if (target === path) return;
    if (before !== undefined) this.#remove(path);
    switch (entry.kind) {
      case 'file':
        await this.#writeFile(path, entry, tar);
        break;
      case 'link':
        linkSync(target, path);
        break;
      case 'symlink':
        symlinkSync(entry.linkPath, path);
        this.#own(path, entry);
        break;
      case 'fifo':
        makeFifo(path, 0o600);
        chmodSync(path, entry.mode);
        this.#own(path, entry);
        break;
      case 'device':
        // Nobody could open it: the file systems of containers hold no devices.
        break;
    }
  }

  #makeDirectory(path: string, entry: TarEntry, before: Stats | undefined): void {
    if (before?.isDirectory() !== true) {
      if (before !== undefined) this.#remove(path);
      mkdirSync(path, { mode: 0o700 });
      // It was taken away and made anew in one layer: what lies below does not show through.
      if (before?.isCharacterDevice() === true) this.#makeOpaque(path);
    }
    this.#directories.set(path, entry);
  }

  async #writeFile(path: string, entry: TarEntry, tar: TarReader): Promise<void> {
    const fd = openSync(path, 'wx', 0o600);
    try {
      for await (const chunk of tar.body()) {
        for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      }
      this.#giveAway(path, entry);
      fchmodSync(fd, entry.mode);
    } finally {
      closeSync(fd);
    }
    this.#attributes(path, entry);
    this.#date(path, entry);
  }

  /** Before its mode is set: a change of owner takes away what lets others become him. */
  #giveAway(path: string, { uid, gid }: TarEntry): void {
    const owners = this.#owners;
    if (owners === undefined) return;
    lchownSync(path, isMapped(owners.users, uid) ? uid : 0, isMapped(owners.groups, gid) ? gid : 0);
  }

  #own(path: string, entry: TarEntry): void {
    this.#giveAway(path, entry);
    this.#date(path, entry);
  }

  /** Node takes a number below zero for now, but a date for what it is. */
  #date(path: string, { mtime }: TarEntry): void {
    const date = new Date(mtime * 1000);
    lutimesSync(path, date, date);
  }

  #whiteOut(parent: string, name: string): void {
    if (name === OPAQUE) {
      this.#makeOpaque(parent);
      return;
    }
    // Other names with the mark twice are notes of aufs to itself.
    if (name.startsWith(`${WHITEOUT}${WHITEOUT}`)) return;
    const path = `${parent}/${name.slice(WHITEOUT.length)}`;
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeWhiteout(path);
  }

  #makeOpaque(path: string): void {
    setAttribute(path, this.#privileged ? 'trusted.overlay.opaque' : 'user.overlay.opaque', Buffer.from('y'));
  }

  #attributes(path: string, { xattrs }: TarEntry): void {
    for (const [name, value] of xattrs) {
      // Marks of overlayfs itself could lead a mount astray.
      if (name.startsWith('trusted.') || name.startsWith('user.overlay.')) continue;
      try {
        setAttribute(path, name, value);
      } catch {
        // Not every file system keeps them, and not every user may set them.
      }
    }
  }

  /** Where an entry goes, links on the way followed inside of the layer. */
  #parent(parts: readonly string[]): string {
    const { path, stat } = resolveInRoot(this.#root, parts.join('/'));
    if (stat?.isDirectory() === true) return path;
    if (stat !== undefined) this.#remove(path);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  }

  #linked({ path, linkPath }: TarEntry): string {
    const parts = partsOf(linkPath);
    const name = parts.pop() ?? '';
    const target = `${resolveInRoot(this.#root, parts.join('/')).path}/${name}`;
    const stat = lstatSync(target, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) return target;
    throw new ImageFormatError(`hard link ${quote(path)} to ${quote(linkPath)}, which is not in the layer`);
  }

  #remove(path: string): void {
    if (path === this.#root) throw new ImageFormatError('an entry takes the place of the root');
    rmSync(path, { recursive: true, force: true });
    for (const known of this.#directories.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
    }
  }
}

function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0')) {
    throw new ImageFormatError(`path ${quote(path)} of an entry leads out of the image`);
  }
  return parts;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { errorCode } from '#base/errors.ts';
import * as m from '#netlink/mount.ts';
import { addMountAttributes, attachTree, MOUNT_ATTR_NODEV, MOUNT_ATTR_RDONLY, openTree } from '#netlink/mount-tree.ts';
import type { RootEntry } from './host-image.ts';
import { RuntimeError } from '../runtime.ts';
import type { MountPart, MountStep } from './mount-step.ts';
import { openBeneath } from './open-beneath-sync.ts';
import { inRoot } from './open-in-root-sync.ts';

/** Builds the tree below `root` in the mount namespace that the calling thread is in. */
export function executeMounts(root: string, steps: readonly MountStep[]): void {
  for (const step of steps) execute(root, step);
}

/** The machine's `/`, for the image `host`. */
export function readRootEntries(): readonly RootEntry[] {
  return readdirSync('/', { withFileTypes: true }).flatMap((entry): RootEntry[] => {
    if (entry.isSymbolicLink()) return [{ kind: 'symlink', name: entry.name, to: readlinkSync(`/${entry.name}`) }];
    return entry.isDirectory() ? [{ kind: 'directory', name: entry.name, empty: isEmpty(`/${entry.name}`) }] : [];
  });
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    return false;
  }
}

function execute(root: string, step: MountStep): void {
  switch (step.kind) {
    case 'scratch':
      mkdirSync(step.path, { recursive: true });
      m.mount('tmpfs', step.path, 'tmpfs', 0, 'mode=700');
      break;
    case 'mount': {
      const flags = flagsOf(step.type) | (step.readOnly ? m.MS_RDONLY : 0);
      inDirectory(root, step.target, (target) => m.mount(step.type, target, step.type, flags, step.data ?? null));
      break;
    }
    case 'overlay':
      overlay(root, step);
      break;
    case 'layers':
      layers(root, step);
      break;
    case 'bind':
      bind(root, step);
      break;
    case 'read-only':
      inDirectory(root, step.target, (target) => addMountAttributes(target, MOUNT_ATTR_RDONLY, false));
      break;
    case 'directory':
      inDirectory(root, step.target, (target) => chmodSync(target, step.mode));
      break;
    case 'symlink':
      inDirectory(root, dirname(step.target), (parent) => symlinkSync(step.to, `${parent}/${basename(step.target)}`));
      break;
    case 'either':
      either(root, step.of);
      break;
  }
}

function inDirectory(root: string, target: string, use: (path: string) => void): void {
  inRoot(root, target, 'directory', use);
}

function flagsOf(type: string): number {
  switch (type) {
    case 'tmpfs':
      return m.MS_NODEV;
    case 'devpts':
      // Terminals are devices.
      return m.MS_NOSUID | m.MS_NOEXEC;
    default:
      return m.MS_NOSUID | m.MS_NODEV | m.MS_NOEXEC;
  }
}

function overlay(root: string, step: Extract<MountStep, { kind: 'overlay' }>): void {
  for (const path of [step.upper, step.work]) mkdirSync(path, { recursive: true });
  // The merged directory has the owner and mode of the upper one.
  chmodSync(step.upper, statSync(step.lower).mode & 0o7777);
  // Without privilege an unreadable directory can be mounted, but only to fail later.
  readdirSync(step.lower);
  for (const path of step.directories) makeLike(step.lower, step.upper, path);
  const options = `lowerdir=${escape(step.lower)},upperdir=${escape(step.upper)},workdir=${escape(step.work)}`;
  inDirectory(root, step.target, (target) => mountOverlay(target, options, step.userXattr));
}

function layers(root: string, step: Extract<MountStep, { kind: 'layers' }>): void {
  for (const path of [step.upper, step.work]) mkdirSync(path, { recursive: true });
  chmodSync(step.upper, 0o755);
  // Relative names keep the options below the page that mount(2) takes.
  m.chdir(step.base);
  const options = `lowerdir=${step.lower.join(':')},upperdir=${escape(step.upper)},workdir=${escape(step.work)}`;
  inDirectory(root, step.target, (target) => mountOverlay(target, options, step.userXattr));
}

/**
 * Nobody needs what a container wrote over its image once it has ended, but the kernel would write all of the disk's
 * file system to the disk for each overlay that is unmounted, and block the thread that lets go of the last one.
 */
function mountOverlay(target: string, layers: string, userXattr: boolean): void {
  const options = userXattr ? `${layers},userxattr` : layers;
  try {
    m.mount('overlay', target, 'overlay', m.MS_NODEV, `${options},volatile`);
  } catch (error) {
    // Kernels before 5.10 do not know it; there are other reasons, which come again.
    if (errorCode(error) !== 'EINVAL') throw error;
    m.mount('overlay', target, 'overlay', m.MS_NODEV, options);
  }
}

/** Commas and colons separate the options of overlayfs. */
function escape(path: string): string {
  return path.replaceAll(/[\\,:]/g, '\\$&');
}

/** Makes a directory in the upper layer with the modes that its parents have below, which it is then merged with. */
function makeLike(lower: string, upper: string, path: string): void {
  let at = '';
  for (const part of path.split('/')) {
    at += `/${part}`;
    const below = lstatSync(lower + at, { throwIfNoEntry: false });
    // A link on the way leads elsewhere, and a directory above it would hide it.
    if (below !== undefined && !below.isDirectory()) return;
    mkdirSync(upper + at, { recursive: true });
    if (below !== undefined) chmodSync(upper + at, below.mode & 0o7777);
  }
}

function bind(root: string, step: Extract<MountStep, { kind: 'bind' }>): void {
  mkdirMissing(step.source);
  const part = step.part === undefined ? undefined : openPart(step.source, step.part);
  try {
    bindFrom(part === undefined ? step.source : `/proc/self/fd/${part}`, root, step);
  } finally {
    if (part !== undefined) closeSync(part);
  }
}

function openPart(source: string, { path, failure }: MountPart): number {
  try {
    return openBeneath(source, path);
  } catch (error) {
    throw new RuntimeError('ERR_MOUNT_PART', failure, error);
  }
}

function bindFrom(source: string, root: string, step: Extract<MountStep, { kind: 'bind' }>): void {
  const recursive = step.recursive ?? false;
  const tree = openTree(source, recursive);
  try {
    const attributes = (step.readOnly ? MOUNT_ATTR_RDONLY : 0) | (step.devices ? 0 : MOUNT_ATTR_NODEV);
    if (attributes !== 0) addMountAttributes(`/proc/self/fd/${tree}`, attributes, recursive);
    const kind = fstatSync(tree).isDirectory() ? 'directory' : 'file';
    inRoot(root, step.target, kind, (target) => attachTree(tree, target, step.target));
  } finally {
    closeSync(tree);
  }
}

function mkdirMissing(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { recursive: true, mode: 0o777 });
}

function either(root: string, alternatives: readonly (readonly MountStep[])[]): void {
  let first: unknown;
  for (const steps of alternatives) {
    try {
      executeMounts(root, steps);
      return;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

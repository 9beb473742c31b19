import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { errorCode, errorMessage } from '#base/errors.ts';
import { cgroupLayout, type CgroupLayout, CONTROLLERS, type Controller } from './cgroup-layout.ts';
import { Cgroup, type CgroupParent, removeGroup } from './cgroup-sync.ts';
import type { ContainerLimits } from './container-limits.ts';

/**
 * In version 2 a group with processes may not have groups below it that count: whoever wants both moves himself into a
 * leaf of this name, and makes the others beside it.
 */
export const LEAF = 'clusterip-main';

/** The groups of one cluster's containers: `<where this process may make groups>/<name>/<container>`. */
export class CgroupTree {
  readonly #parent: CgroupParent | undefined;
  /** Why nothing is limited; undefined when everything is. */
  readonly notice: string | undefined;

  private constructor(parent: CgroupParent | undefined, notice: string | undefined) {
    this.#parent = parent;
    this.notice = notice;
  }

  /** Never throws: without control groups Pods run all the same. Groups that an earlier process left are removed. */
  static open(name: string): CgroupTree {
    try {
      const layout = readLayout();
      if (layout === undefined) return new CgroupTree(undefined, 'no control groups are mounted at /sys/fs/cgroup');
      const parent = layout.kind === 'v1' ? openV1(layout.own, name) : openV2(layout.top, layout.own, name);
      const missing = (['cpu', 'memory', 'pids'] as const).filter((controller) => !parent.directories.has(controller));
      return new CgroupTree(parent, missing.length === 0 ? undefined : `no control over ${missing.join(', ')}`);
    } catch (error) {
      return new CgroupTree(undefined, `control groups cannot be made here (${errorMessage(error)})`);
    }
  }

  /** Where it has groups: to be removed by `removeCgroups` if this process cannot. */
  get directories(): readonly string[] {
    return [...new Set(this.#parent?.directories.values())];
  }

  /** Undefined where there are no control groups for us. */
  create(id: string, limits: ContainerLimits): Cgroup | undefined {
    return this.#parent === undefined ? undefined : Cgroup.create(this.#parent, id, limits);
  }

  [Symbol.dispose](): void {
    removeCgroups(this.directories);
  }
}

function readLayout(): CgroupLayout | undefined {
  return cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
}

function openV1(own: ReadonlyMap<Controller, string>, name: string): CgroupParent {
  const directories = new Map<Controller, string>();
  let refused: unknown;
  for (const [controller, directory] of own) {
    try {
      directories.set(controller, emptyGroup(`${directory}/${name}`));
    } catch (error) {
      refused ??= error;
    }
  }
  if (directories.size === 0) throw refused;
  return { version: 'v1', directories };
}

/** Beside our leaf where somebody delegated a group to us, else at the top, which takes root. */
function openV2(top: string, own: string, name: string): CgroupParent {
  const delegated = basename(own) === LEAF;
  const base = delegated ? dirname(own) : top;
  enableControllers(base);
  const directory = delegated ? emptyGroup(`${base}/${name}`) : emptyTopGroup(`${base}/${name}`);
  const enabled = enableControllers(directory);
  const present = CONTROLLERS.filter((controller) => enabled.has(controller));
  if (present.length === 0) {
    rmdirSync(directory);
    throw new Error('no controllers are delegated to this user');
  }
  return { version: 'v2', directories: new Map(present.map((controller) => [controller, directory])) };
}

function emptyTopGroup(directory: string): string {
  try {
    return emptyGroup(directory);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
    const hint = 'start it as root, or by `systemd-run --user --scope --property=Delegate=yes clusterip up`';
    throw new Error(`none are delegated to this user: ${hint}`, { cause: error });
  }
}

function enableControllers(directory: string): ReadonlySet<string> {
  const file = `${directory}/cgroup.subtree_control`;
  const words = (): ReadonlySet<string> => new Set(readFileSync(file, 'utf8').trim().split(' '));
  for (const controller of ['cpu', 'memory', 'pids'].filter((one) => !words().has(one))) {
    try {
      writeFileSync(file, `+${controller}`);
    } catch {
      // What is not enabled is missing in the end.
    }
  }
  return words();
}

function emptyGroup(directory: string): string {
  removeCgroups([directory]);
  try {
    mkdirSync(directory);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return directory;
}

/** Of a cluster whose processes have ended. A group that is still in use stays. */
export function removeCgroups(directories: readonly string[]): void {
  for (const directory of directories) removeGroup(directory);
}

/**
 * Moves the calling process into a leaf of its group, when that group was delegated to it alone: the daemon that it
 * starts can then limit its Pods. Does nothing anywhere else.
 */
export function moveToLeaf(): void {
  try {
    const layout = readLayout();
    if (layout?.kind !== 'v2' || basename(layout.own) === LEAF || layout.own === layout.top) return;
    const others = readFileSync(`${layout.own}/cgroup.procs`, 'utf8').trim().split('\n');
    if (others.some((pid) => Number(pid) !== process.pid)) return;
    mkdirSync(`${layout.own}/${LEAF}`, { recursive: true });
    writeFileSync(`${layout.own}/${LEAF}/cgroup.procs`, String(process.pid));
  } catch (error) {
    // Not ours.
    if (errorCode(error) === undefined) throw error;
  }
}

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { errorCode } from '#base/errors.ts';
import type { Controller } from './cgroup-layout.ts';
import { type CgroupSetting, cgroupSettings, type ContainerLimits } from './container-limits.ts';
import { parseKeyedNumbers, type Usage } from './usage.ts';

/** Where a container's group goes: for each controller a directory to make it in. */
export interface CgroupParent {
  readonly version: 'v1' | 'v2';
  readonly directories: ReadonlyMap<Controller, string>;
}

/** A control group for one run of a container: in version 1 a directory in each controller's tree. */
export class Cgroup implements Disposable {
  readonly version: 'v1' | 'v2';
  readonly #directories: ReadonlyMap<Controller, string>;

  private constructor(version: 'v1' | 'v2', directories: ReadonlyMap<Controller, string>) {
    this.version = version;
    this.#directories = directories;
  }

  /** Throws what the kernel says to a limit, such as less memory than it can count. */
  static create({ version, directories }: CgroupParent, name: string, limits: ContainerLimits): Cgroup {
    const own = new Map([...directories].map(([controller, parent]) => [controller, `${parent}/${name}`]));
    const group = new Cgroup(version, own);
    try {
      for (const directory of group.directories) mkdirSync(directory);
      group.#write(limits);
      return group;
    } catch (error) {
      group[Symbol.dispose]();
      throw error;
    }
  }

  /** Each once, though controllers may share one. */
  get directories(): readonly string[] {
    return [...new Set(this.#directories.values())];
  }

  /** How the group is to be seen from inside of it, at /sys/fs/cgroup: names below that, and what is there. */
  get view(): readonly { readonly name: string; readonly source: string }[] {
    if (this.version === 'v2') return this.directories.map((source) => ({ name: '', source }));
    return [...this.#directories].map(([name, source]) => ({ name, source }));
  }

  /** Other limits for who is in it. Less memory than is used is refused: the kernel would have to end somebody. */
  limit(container: string, limits: ContainerLimits): void {
    const { memoryBytes } = limits;
    const used = this.usage()?.memoryBytes ?? 0;
    if (memoryBytes !== undefined && memoryBytes < used) {
      const name = JSON.stringify(container);
      throw new Error(
        `attempting to set container ${name} memory limit (${memoryBytes}) below current usage (${used})`,
      );
    }
    // In version 1 memory may not exceed memory with swap: whether that has to be set before depends on where they go.
    try {
      this.#write(limits);
    } catch {
      for (const setting of cgroupSettings(this.version, limits).toReversed())
        this.#set({ ...setting, optional: true });
      this.#write(limits);
    }
  }

  #write(limits: ContainerLimits): void {
    for (const setting of cgroupSettings(this.version, limits)) this.#set(setting);
  }

  #set({ controller, file, value, optional }: CgroupSetting): void {
    const directory = this.#directories.get(controller);
    if (directory !== undefined) write(`${directory}/${file}`, value, optional ?? false);
  }

  /** Undefined when it is gone, or the kernel does not count this. */
  usage(): Usage | undefined {
    try {
      return this.version === 'v1' ? this.#usageV1() : this.#usageV2();
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  /** How often the kernel had to end a process in it for want of memory. */
  oomKills(): number {
    const directory = this.#directories.get('memory');
    if (directory === undefined) return 0;
    const file = this.version === 'v1' ? 'memory.oom_control' : 'memory.events';
    try {
      return parseKeyedNumbers(readFileSync(`${directory}/${file}`, 'utf8')).get('oom_kill') ?? 0;
    } catch {
      return 0;
    }
  }

  /** Ends all processes in it. */
  kill(): void {
    const [directory] = this.directories;
    if (directory === undefined) return;
    try {
      if (this.version === 'v2') writeFileSync(`${directory}/cgroup.kill`, '1');
      else for (const pid of readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n')) killProcess(Number(pid));
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  /** All its processes must have ended. */
  [Symbol.dispose](): void {
    for (const directory of this.directories) removeGroup(directory);
  }

  #read(controller: Controller, file: string): string {
    const directory = this.#directories.get(controller);
    return directory === undefined ? '' : readFileSync(`${directory}/${file}`, 'utf8');
  }

  #usageV1(): Usage | undefined {
    if (!this.#directories.has('memory') || !this.#directories.has('cpuacct')) return undefined;
    const memoryBytes = Number(this.#read('memory', 'memory.usage_in_bytes'));
    const stat = parseKeyedNumbers(this.#read('memory', 'memory.stat'));
    return {
      cpuNanoseconds: Number(this.#read('cpuacct', 'cpuacct.usage')),
      memoryBytes,
      workingSetBytes: Math.max(0, memoryBytes - (stat.get('total_inactive_file') ?? 0)),
      rssBytes: stat.get('total_rss') ?? 0,
      processes: Number(this.#read('pids', 'pids.current')),
    };
  }

  #usageV2(): Usage | undefined {
    if (!this.#directories.has('memory')) return undefined;
    const memoryBytes = Number(this.#read('memory', 'memory.current'));
    const stat = parseKeyedNumbers(this.#read('memory', 'memory.stat'));
    const cpu = parseKeyedNumbers(this.#read('memory', 'cpu.stat'));
    return {
      cpuNanoseconds: (cpu.get('usage_usec') ?? 0) * 1000,
      memoryBytes,
      workingSetBytes: Math.max(0, memoryBytes - (stat.get('inactive_file') ?? 0)),
      rssBytes: stat.get('anon') ?? 0,
      processes: Number(this.#read('pids', 'pids.current')),
    };
  }
}

/** 0 stands for a process of another namespace than ours, of which there are none. */
function killProcess(pid: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

function write(file: string, value: string, optional: boolean): void {
  try {
    writeFileSync(file, value, { flag: 'r+' });
  } catch (error) {
    if (!optional)
      throw new Error(`Cannot write ${value} to ${file}: ${errorCode(error) ?? String(error)}`, { cause: error });
  }
}

/** With those that a container made in its own. Not `rm -r`: the files in it belong to the kernel and go with it. */
export function removeGroup(directory: string): void {
  try {
    for (const name of groupsIn(directory)) removeGroup(`${directory}/${name}`);
    rmdirSync(directory);
  } catch (error) {
    // EBUSY: somebody is still in it. Whoever removes the tree above tries again.
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error;
  }
}

export function groupsIn(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
}

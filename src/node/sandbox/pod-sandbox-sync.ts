import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { errorCode } from '#base/errors.ts';
import { MNT_DETACH, mount, MS_NODEV, MS_NOSUID, umount } from '#netlink/mount.ts';
import {
  CLONE_NEWIPC,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  openNamespace,
  sethostname,
  setns,
  unshare,
} from '#netlink/namespace.ts';
import { writeSysctl } from '#netlink/sysctl.ts';
import type { PodWire } from '../network-sync.ts';
import { planPause } from '../stage/container-stage.ts';
import { startStage } from './process-sync.ts';
import type { Child } from './spawn-sync.ts';
import type { SandboxThread } from './sandbox-thread-sync.ts';

export interface PodSandboxSpec {
  readonly podUid: string;
  readonly hostname: string;
  /** All that the Pod keeps on the disk. Of what an earlier process left there, only volumes are kept. */
  readonly directory: string;
  /** Texts of the files that every container gets in /etc. */
  readonly etc: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string };
  /** The network namespace of the node for Pods with `hostNetwork`, else the Pod's own. */
  readonly netFd: number;
  /** Disposed with the sandbox. */
  readonly wire: PodWire | undefined;
  /** Disposed with the sandbox. */
  readonly hostPorts: Disposable | undefined;
  /** Whose processes a container sees: its own, those of all containers of the Pod, or all of the cluster. */
  readonly processes: 'container' | 'pod' | 'host';
  /** System V and POSIX memory is that of the cluster, not the Pod's. */
  readonly hostIpc: boolean;
  /** Set in the Pod's own namespace of that. */
  readonly ipcSysctls: readonly { readonly name: string; readonly value: string }[];
}

/** What the containers of a Pod share: network, host name, System V and POSIX memory, the files made for the Pod. */
export class PodSandbox {
  readonly spec: PodSandboxSpec;
  readonly startedAt: number;
  readonly #utsFd: number;
  readonly #ipcFd: number;
  /** The first process of the Pod's own pid namespace, where it has one. */
  readonly #pause: { readonly process: Child; readonly pidFd: number } | undefined;
  readonly #memory: string[] = [];
  #closed = false;

  private constructor(
    spec: PodSandboxSpec,
    startedAt: number,
    fds: { readonly uts: number; readonly ipc: number },
    pause: { readonly process: Child; readonly pidFd: number } | undefined,
  ) {
    this.spec = spec;
    this.startedAt = startedAt;
    this.#pause = pause;
    this.#utsFd = fds.uts;
    this.#ipcFd = fds.ipc;
  }

  static create(thread: SandboxThread, spec: PodSandboxSpec, now: number): PodSandbox {
    for (const name of TRANSIENT) rmSync(`${spec.directory}/${name}`, { recursive: true, force: true });
    mkdirSync(`${spec.directory}/etc`, { recursive: true, mode: 0o700 });
    writeFileSync(`${spec.directory}/etc/hosts`, spec.etc.hosts);
    writeFileSync(`${spec.directory}/etc/hostname`, spec.etc.hostname);
    writeFileSync(`${spec.directory}/etc/resolv.conf`, spec.etc.resolvConf);
    const fds = thread.away(() => {
      unshare(spec.hostIpc ? CLONE_NEWUTS : CLONE_NEWUTS | CLONE_NEWIPC);
      sethostname(spec.hostname);
      for (const { name, value } of spec.ipcSysctls) writeSysctl(name, value);
      return { uts: openNamespace('uts'), ipc: openNamespace('ipc') };
    });
    try {
      const sandbox = new PodSandbox(spec, now, fds, spec.processes === 'pod' ? startPause(thread) : undefined);
      try {
        if (!spec.hostIpc) sandbox.mountMemory(sandbox.shmDir, 'mode=1777,size=64m');
        return sandbox;
      } catch (error) {
        sandbox.#endPause();
        throw error;
      }
    } catch (error) {
      closeSync(fds.uts);
      closeSync(fds.ipc);
      throw error;
    }
  }

  get etcDir(): string {
    return `${this.spec.directory}/etc`;
  }

  get shmDir(): string {
    return this.spec.hostIpc ? '/dev/shm' : `${this.spec.directory}/shm`;
  }

  /** A directory in memory that containers can mount; it goes with the sandbox. False when it is there already. */
  mountMemory(path: string, options: string): boolean {
    if (this.#memory.includes(path)) return false;
    mkdirSync(path, { recursive: true });
    mount('tmpfs', path, 'tmpfs', MS_NOSUID | MS_NODEV, options);
    this.#memory.push(path);
    return true;
  }

  /** Moves the calling thread in; only for use inside of `SandboxThread.away`. */
  enter(): void {
    setns(this.spec.netFd, 'net');
    setns(this.#utsFd, 'uts');
    setns(this.#ipcFd, 'ipc');
  }

  /** Where the next process that the calling thread starts will be; for the same use. */
  enterProcesses(): void {
    if (this.spec.processes === 'host') return;
    if (this.#pause === undefined) unshare(CLONE_NEWPID);
    else setns(this.#pause.pidFd, 'pid');
  }

  #endPause(): void {
    if (this.#pause === undefined) return;
    this.#pause.process.kill('SIGKILL');
    closeSync(this.#pause.pidFd);
  }

  /** Takes the Pod off the network now; resolves when its files are gone. All its processes must have ended. */
  async remove(what: 'all' | 'running'): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.spec.wire?.[Symbol.dispose]();
    this.spec.hostPorts?.[Symbol.dispose]();
    this.#endPause();
    closeSync(this.#utsFd);
    closeSync(this.#ipcFd);
    for (const path of this.#memory.toReversed()) umount(path, MNT_DETACH);
    const { directory } = this.spec;
    const trees = what === 'all' ? [directory] : TRANSIENT.map((name) => `${directory}/${name}`);
    await Promise.all(trees.map(removeTree));
  }
}

function startPause(thread: SandboxThread): { readonly process: Child; readonly pidFd: number } {
  const child = thread.away(() => {
    unshare(CLONE_NEWPID);
    return startStage(planPause(), ['ignore', 'ignore', 'ignore']);
  });
  try {
    return { process: child, pidFd: openNamespace('pid', child.pid) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** What belongs to processes. */
const TRANSIENT = ['containers', 'etc', 'shm'];

/** The kernel lets go of a mount namespace a moment after its last process; until then its mount points are busy. */
async function removeTree(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

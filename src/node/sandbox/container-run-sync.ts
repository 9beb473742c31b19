import { closeSync, mkdirSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { CLONE_NEWNS, openNamespace, setns, unshare } from '#netlink/namespace.ts';
import type { ExecProcess, ExitStatus, OutputListener, TerminalSize } from '../runtime.ts';
import type { Cgroup } from '../cgroup/cgroup-sync.ts';
import type { CgroupTree } from '../cgroup/cgroup-tree-sync.ts';
import type { ContainerLimits } from '../cgroup/container-limits.ts';
import type { Usage } from '../cgroup/usage.ts';
import type { Capability } from '../stage/capability.ts';
import {
  planContainerExec,
  planContainerStart,
  type StageProgram,
  type StageSecurity,
} from '../stage/container-stage.ts';
import { becomingOf } from '../stage/id-map.ts';
import { type IdentityWish, type ResolvedIdentity, resolveIdentity } from '../stage/identity.ts';
import { planCgroupView } from './cgroup-view.ts';
import type { ContainerCommand } from './container-command.ts';
import { ContainerLog } from './log-sync.ts';
import { executeMounts } from './mount-sync.ts';
import type { MountStep } from './mount-step.ts';
import { type ContainerProcess, findCommand, makeWorkingDir, startProcess, type Stdio } from './process-sync.ts';
import { isAtRest } from './process-rest-sync.ts';
import { processUsage, readTraffic, type Traffic } from './process-usage-sync.ts';
import { removeTree } from './remove-tree-sync.ts';
import { readInRoot } from './rooted-path-sync.ts';
import type { PodSandbox } from './pod-sandbox-sync.ts';
import type { SandboxThread } from './sandbox-thread-sync.ts';

export interface ContainerSecurity {
  readonly identity: IdentityWish;
  readonly capabilities: ReadonlySet<Capability>;
  readonly noNewPrivs: boolean;
  readonly privileged: boolean;
  readonly filtered: boolean;
}

export interface ContainerRunSpec {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly command: ContainerCommand;
  readonly security: ContainerSecurity;
  readonly mounts: readonly MountStep[];
  readonly limits: ContainerLimits;
  readonly oomScoreAdjust?: number | undefined;
  /** Of this run alone; removed after it by the Pod's sandbox. */
  readonly directory: string;
  readonly logPath: string;
  readonly logMaxBytes?: number | undefined;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

const STREAMS_END_MS = 2000;

/** One run of a container: from the start of its process to the end of it. */
export class ContainerRun {
  readonly spec: ContainerRunSpec;
  readonly startedAt: number;
  /** Resolves when the process has ended and all that it wrote is in the log. */
  readonly exited: Promise<ExitStatus>;
  readonly #clock: Clock;
  readonly #thread: SandboxThread;
  readonly #sandbox: PodSandbox;
  readonly #process: ContainerProcess;
  readonly #launch: Launch;
  readonly #cgroup: Cgroup | undefined;
  readonly #listeners = new Set<OutputListener>();
  /** Its mount namespace lives as long as this is open. */
  #mountFd: number | undefined;
  #exit: ExitStatus | undefined;

  private constructor(
    thread: SandboxThread,
    sandbox: PodSandbox,
    spec: ContainerRunSpec,
    started: {
      readonly process: ContainerProcess;
      readonly mountFd: number;
      readonly launch: Launch;
      readonly log: ContainerLog;
      readonly cgroup: Cgroup | undefined;
    },
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#thread = thread;
    this.#sandbox = sandbox;
    this.spec = spec;
    this.startedAt = clock.now();
    this.#process = started.process;
    this.#launch = started.launch;
    this.#mountFd = started.mountFd;
    this.#cgroup = started.cgroup;
    this.exited = this.#run(started.process, started.log);
  }

  /**
   * Throws `RuntimeError` with `ERR_COMMAND_NOT_FOUND`, or what the kernel said to the mounts. With `target` it is among
   * the processes of that container.
   */
  static start(
    thread: SandboxThread,
    sandbox: PodSandbox,
    spec: ContainerRunSpec,
    clock: Clock,
    cgroups: CgroupTree | undefined,
    target?: ContainerRun,
  ): ContainerRun {
    const root = rootOf(spec);
    mkdirSync(root, { recursive: true });
    const log = new ContainerLog(spec.logPath, { clock, maxBytes: spec.logMaxBytes });
    const targetFd = target === undefined ? undefined : openNamespace('pid', target.#process.pid);
    let cgroup: Cgroup | undefined;
    try {
      cgroup = cgroups?.create(spec.id, spec.limits);
      const groups = cgroup?.directories;
      const started = thread.away(() => {
        sandbox.enter();
        unshare(CLONE_NEWNS);
        executeMounts(root, spec.mounts);
        if (cgroup !== undefined) executeMounts(root, planCgroupView(cgroup.view, spec.security.privileged));
        makeWorkingDir(root, spec.command.workingDir);
        const launch = prepare(thread, root, spec);
        const path = findCommand(root, launch.command);
        const calls = planContainerStart(
          root,
          programOf(path, launch.command, spec, spec.tty, groups),
          launch.security,
        );
        // The process takes our root with it: pivot_root(2) moves all whose root is the old one.
        const mountFd = openNamespace('mnt');
        try {
          if (targetFd === undefined) sandbox.enterProcesses();
          else setns(targetFd, 'pid');
          return { process: startProcess(calls, spec, devptsOf(root)), mountFd, launch };
        } catch (error) {
          closeSync(mountFd);
          throw error;
        }
      });
      return new ContainerRun(thread, sandbox, spec, { ...started, log, cgroup }, clock);
    } catch (error) {
      log.close();
      cgroup?.[Symbol.dispose]();
      // The next attempt may have the same place, and overlayfs takes no directories that it has had before.
      removeTree(spec.directory);
      throw error;
    } finally {
      if (targetFd !== undefined) closeSync(targetFd);
    }
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** Present once the process has ended. */
  get exit(): ExitStatus | undefined {
    return this.#exit;
  }

  get stdin(): Writable | undefined {
    return this.#process.stdin;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal);
  }

  /** Other limits from now on. Throws what the kernel says to them; where nothing is limited it does nothing. */
  limit(limits: ContainerLimits): void {
    if (this.running) this.#cgroup?.limit(this.spec.name, limits);
  }

  /** What its processes use now; undefined when it has ended. */
  usage(): Usage | undefined {
    if (!this.#process.running) return undefined;
    return this.#cgroup?.usage() ?? processUsage(this.#process.pid, this.#sandbox.spec.processes !== 'container');
  }

  /** Whether its processes wait for something, be it for a client: it has come up as far as can be told from outside. */
  get isAtRest(): boolean {
    return this.running && isAtRest(this.#process.pid);
  }

  /** Bytes and packets that the Pod's interface passed on so far. */
  get traffic(): Traffic | undefined {
    return this.#process.running ? readTraffic(this.#process.pid) : undefined;
  }

  resize(size: TerminalSize): void {
    this.#process.resize(size);
  }

  /** Output from now on also goes to `listener`. */
  listen(listener: OutputListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Starts another process in all the container's namespaces. */
  exec(command: ContainerCommand, stdio: Stdio): ExecProcess {
    const { pid } = this.#process;
    const mountFd = this.#mountFd;
    if (mountFd === undefined || !this.#process.running)
      throw new Error(`Cannot run in container ${JSON.stringify(this.spec.name)}: it has ended`);
    const { command: own, security } = this.#launch;
    const full = { ...command, env: { ...own.env, ...command.env } };
    const path = this.#thread.away(() => {
      setns(mountFd, 'mnt');
      return findCommand('/', full);
    });
    const pidFd = openNamespace('pid', pid);
    const userFd = security.becoming.kind === 'renumber' ? openNamespace('user', pid) : undefined;
    try {
      const calls = planContainerExec(programOf(path, full, this.spec, stdio.tty, this.#cgroup?.directories), security);
      const fds = userFd === undefined ? [mountFd] : [mountFd, userFd];
      const process = this.#thread.away(() => {
        this.#sandbox.enter();
        setns(pidFd, 'pid');
        return startProcess(calls, stdio, `/proc/${pid}/root/dev/pts`, fds);
      });
      return { ...process, wait: () => process.exited };
    } finally {
      closeSync(pidFd);
      if (userFd !== undefined) closeSync(userFd);
    }
  }

  async #run(process: ContainerProcess, log: ContainerLog): Promise<ExitStatus> {
    const pump = (stream: 'stdout' | 'stderr'): Promise<void> =>
      new Promise((resolve) => {
        const source = process[stream];
        if (source === undefined) {
          resolve();
          return;
        }
        source.on('data', (chunk: Buffer) => {
          log.write(stream, chunk);
          for (const listener of this.#listeners) listener(stream, chunk);
        });
        source.once('close', resolve);
      });
    const ends = Promise.all([pump('stdout'), pump('stderr')]);
    const exit = await process.exited;
    // Where the first process of its namespace is another, what it left behind would go on.
    if (this.#sandbox.spec.processes !== 'container') this.#cgroup?.kill();
    // All processes of a pid namespace end with its first, so the streams end now. In one that is shared, what it left
    // behind may hold them for as long as it likes.
    await Promise.race([ends, this.#clock.sleep(STREAMS_END_MS)]);
    process.stdout.destroy();
    process.stderr?.destroy();
    log.close();
    process.stdin?.destroy();
    if (this.#mountFd !== undefined) closeSync(this.#mountFd);
    this.#mountFd = undefined;
    const oomKilled = (this.#cgroup?.oomKills() ?? 0) > 0;
    this.#cgroup?.[Symbol.dispose]();
    this.#exit = oomKilled ? { ...exit, oomKilled } : exit;
    return this.#exit;
  }
}

function rootOf(spec: ContainerRunSpec): string {
  return `${spec.directory}/root`;
}

function devptsOf(root: string): string {
  return `${root}/dev/pts`;
}

/** What only the container's files could tell. */
interface Launch {
  readonly command: ContainerCommand;
  readonly security: StageSecurity;
}

function prepare(thread: SandboxThread, root: string, { command, security }: ContainerRunSpec): Launch {
  const files = { passwd: readInRoot(root, '/etc/passwd'), group: readInRoot(root, '/etc/group') };
  const identity: ResolvedIdentity = resolveIdentity(security.identity, files);
  const { capabilities, noNewPrivs, privileged, filtered } = security;
  return {
    command: { ...command, env: { HOME: identity.home, ...command.env } },
    security: { becoming: becomingOf(identity, thread.ids), capabilities, noNewPrivs, filtered, unmasked: privileged },
  };
}

function programOf(
  path: string,
  { argv, env, workingDir }: ContainerCommand,
  { oomScoreAdjust }: ContainerRunSpec,
  tty: boolean,
  cgroups: readonly string[] = [],
): StageProgram {
  return { path, argv, env, workingDir: workingDir ?? '/', tty, cgroups, oomScoreAdjust };
}

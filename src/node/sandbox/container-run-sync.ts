import { closeSync, mkdirSync } from 'node:fs';
import { type Writable } from 'node:stream';
import { type Clock } from '#base/clock.ts';
import { CLONE_NEWNS, CLONE_NEWPID, openNamespace, setns, unshare } from '#netlink/namespace.ts';
import { type ExecProcess, type ExitStatus, type OutputListener, type TerminalSize } from '../runtime.ts';
import { type ContainerCommand, launchLine } from './container-command.ts';
import { ContainerLog } from './log-sync.ts';
import { executeMounts } from './mount-sync.ts';
import { type MountStep } from './mount-step.ts';
import { checkCommand, type ContainerProcess, makeWorkingDir, startProcess, type Stdio } from './process-sync.ts';
import { type PodSandbox } from './pod-sandbox-sync.ts';
import { type SandboxThread } from './sandbox-thread-sync.ts';

export interface ContainerRunSpec {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly command: ContainerCommand;
  readonly mounts: readonly MountStep[];
  /** Of this run alone; removed after it by the Pod's sandbox. */
  readonly directory: string;
  readonly logPath: string;
  readonly logMaxBytes?: number | undefined;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

/** One run of a container: from the start of its process to the end of it. */
export class ContainerRun {
  readonly spec: ContainerRunSpec;
  readonly startedAt: number;
  /** Resolves when the process has ended and all that it wrote is in the log. */
  readonly exited: Promise<ExitStatus>;
  readonly #thread: SandboxThread;
  readonly #sandbox: PodSandbox;
  readonly #process: ContainerProcess;
  readonly #listeners = new Set<OutputListener>();
  /** Its mount namespace lives as long as this is open. */
  #mountFd: number | undefined;
  #exit: ExitStatus | undefined;

  private constructor(
    thread: SandboxThread,
    sandbox: PodSandbox,
    spec: ContainerRunSpec,
    started: { readonly process: ContainerProcess; readonly mountFd: number; readonly log: ContainerLog },
    startedAt: number,
  ) {
    this.#thread = thread;
    this.#sandbox = sandbox;
    this.spec = spec;
    this.startedAt = startedAt;
    this.#process = started.process;
    this.#mountFd = started.mountFd;
    this.exited = this.#run(started.process, started.log);
  }

  /** Throws `RuntimeError` with `ERR_COMMAND_NOT_FOUND`, or what the kernel said to the mounts. */
  static start(thread: SandboxThread, sandbox: PodSandbox, spec: ContainerRunSpec, clock: Clock): ContainerRun {
    const root = rootOf(spec);
    mkdirSync(root, { recursive: true });
    const log = new ContainerLog(spec.logPath, { clock, maxBytes: spec.logMaxBytes });
    try {
      const { process, mountFd } = thread.away(() => {
        sandbox.enter();
        unshare(CLONE_NEWNS);
        executeMounts(root, spec.mounts);
        makeWorkingDir(root, spec.command.workingDir);
        checkCommand(root, spec.command);
        unshare(CLONE_NEWPID);
        const process = startProcess(
          lineOf(thread, root, spec.command, spec.tty),
          spec.command.env,
          spec,
          devptsOf(root),
        );
        return { process, mountFd: openNamespace('mnt') };
      });
      return new ContainerRun(thread, sandbox, spec, { process, mountFd, log }, clock.now());
    } catch (error) {
      log.close();
      throw error;
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
    if (mountFd === undefined)
      throw new Error(`Cannot run in container ${JSON.stringify(this.spec.name)}: it has ended`);
    const root = rootOf(this.spec);
    const pidFd = openNamespace('pid', pid);
    try {
      const process = this.#thread.away(() => {
        this.#sandbox.enter();
        setns(pidFd, 'pid');
        setns(mountFd, 'mnt');
        checkCommand(root, command);
        return startProcess(lineOf(this.#thread, root, command, stdio.tty), command.env, stdio, devptsOf(root));
      });
      return { ...process, wait: () => process.exited };
    } finally {
      closeSync(pidFd);
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
    // All processes of the pid namespace end with its first, so the streams end soon after.
    const [exit] = await Promise.all([process.exited, pump('stdout'), pump('stderr')]);
    log.close();
    process.stdin?.destroy();
    if (this.#mountFd !== undefined) closeSync(this.#mountFd);
    this.#mountFd = undefined;
    this.#exit = exit;
    return exit;
  }
}

function rootOf(spec: ContainerRunSpec): string {
  return `${spec.directory}/root`;
}

function devptsOf(root: string): string {
  return `${root}/dev/pts`;
}

function lineOf(thread: SandboxThread, root: string, command: ContainerCommand, tty: boolean): readonly string[] {
  return launchLine({ unshare: thread.unshareCommand, setsid: thread.setsidCommand }, root, command, { tty });
}

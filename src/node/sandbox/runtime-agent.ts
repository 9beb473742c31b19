import { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { openConnectSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import type { CgroupTree } from '../cgroup/cgroup-tree-sync.ts';
import { ImageStore, type ImageSources } from '../image/image-store-agent.ts';
import {
  type Attachment,
  type ContainerHandle,
  type ContainerRef,
  type ExecProcess,
  type ExecRequest,
  type OutputListener,
  type Runtime,
  RuntimeError,
} from '../runtime.ts';
import { ContainerRun, type ContainerRunSpec } from './container-run-sync.ts';
import { PodSandbox, type PodSandboxSpec } from './pod-sandbox-sync.ts';
import type { PodMeasure } from '../stats/pod-measure.ts';
import { SandboxThread } from './sandbox-thread-sync.ts';

export interface PodRef {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

export interface PodRegistration extends PodRef {
  readonly nodeName: string;
  /** The one that is meant where none is named. */
  readonly mainContainer: string;
}

interface KnownContainer {
  readonly run: ContainerRun | undefined;
  readonly handle: Omit<ContainerHandle, 'running'>;
}

interface KnownPod {
  readonly ref: PodRef;
  readonly nodeName: string;
  readonly mainContainer: string;
  sandbox: PodSandbox | undefined;
  readonly containers: Map<string, KnownContainer>;
}

/** All sandboxes of one Worker, whichever node they are on. */
export class SandboxRuntime implements Runtime {
  readonly thread: SandboxThread;
  readonly #clock: Clock;
  readonly #pods = new Map<string, KnownPod>();
  readonly #images = new Map<string, ImageStore>();

  readonly #cgroups: CgroupTree | undefined;

  /** Moves the calling thread into namespaces of its own, for good. Without `cgroups` nothing is limited. */
  constructor(clock: Clock, cgroups?: CgroupTree) {
    this.#clock = clock;
    this.#cgroups = cgroups;
    this.thread = SandboxThread.settle();
  }

  /** Why limits are not enforced; undefined when they are. */
  get limitsNotice(): string | undefined {
    return this.#cgroups?.notice;
  }

  /** What the running containers of a node use now. */
  measure(nodeName: string): readonly PodMeasure[] {
    return [...this.#pods.values()].flatMap((pod) => {
      if (pod.nodeName !== nodeName || pod.sandbox === undefined) return [];
      const containers = [...pod.containers].flatMap(([name, { run }]) => {
        const usage = run?.usage();
        return run === undefined || usage === undefined
          ? []
          : [{ name, startedAt: run.startedAt, usage, id: run.spec.id }];
      });
      const traffic = [...pod.containers.values()].find(({ run }) => run?.running === true)?.run?.traffic;
      return [{ ...pod.ref, startedAt: pod.sandbox.startedAt, containers, traffic }];
    });
  }

  /** One for each directory, so that what one node pulls another does not pull as well. */
  images(directory: string, sources?: ImageSources): ImageStore {
    let store = this.#images.get(directory);
    if (store === undefined) {
      store = new ImageStore(directory, this.#clock, sources);
      this.#images.set(directory, store);
    }
    return store;
  }

  createSandbox(ref: PodRegistration, spec: PodSandboxSpec): PodSandbox {
    const pod = this.#know(ref);
    pod.sandbox = PodSandbox.create(this.thread, spec, this.#clock.now());
    return pod.sandbox;
  }

  /** With `target`, a container of the Pod, the new one sees its processes. */
  startContainer(podUid: string, spec: ContainerRunSpec, target?: string): ContainerRun {
    const pod = this.#pods.get(podUid);
    if (pod?.sandbox === undefined) {
      throw new RuntimeError('ERR_SANDBOX_FAILED', `Cannot start container ${JSON.stringify(spec.name)}: no sandbox`);
    }
    const handle = {
      ...pod.ref,
      container: spec.name,
      containerId: spec.id,
      logPath: spec.logPath,
      previousLogPath: pod.containers.get(spec.name)?.handle.logPath,
      tty: spec.tty,
      stdin: spec.stdin,
    };
    try {
      const other = target === undefined ? undefined : this.#running({ podUid, container: target });
      const run = ContainerRun.start(this.thread, pod.sandbox, spec, this.#clock, this.#cgroups, other);
      pod.containers.set(spec.name, { run, handle });
      return run;
    } catch (error) {
      pod.containers.set(spec.name, { run: undefined, handle });
      throw error;
    }
  }

  /** A container that ended before this process began, so that its log is found. */
  noteEnded(ref: PodRegistration, container: Omit<ContainerHandle, 'running' | keyof PodRef>): void {
    const pod = this.#know(ref);
    const handle = { ...container, ...pod.ref };
    pod.containers.set(container.container, { run: undefined, handle });
  }

  /** `running` keeps the files of the Pod's volumes. The logs stay readable until `forget`. */
  async removeSandbox(podUid: string, what: 'all' | 'running'): Promise<void> {
    const pod = this.#pods.get(podUid);
    const sandbox = pod?.sandbox;
    if (pod === undefined || sandbox === undefined) return;
    pod.sandbox = undefined;
    await sandbox.remove(what);
  }

  forget(podUid: string): void {
    this.#pods.delete(podUid);
  }

  find(ref: {
    readonly namespace: string;
    readonly pod: string;
    readonly container?: string | undefined;
  }): ContainerHandle | undefined {
    // The newest wins: a Pod that was forced out of the API may still be ending here.
    const pod = [...this.#pods.values()].findLast(
      (known) => known.ref.namespace === ref.namespace && known.ref.pod === ref.pod,
    );
    const name = ref.container ?? pod?.mainContainer;
    const known = name === undefined ? undefined : pod?.containers.get(name);
    return known === undefined ? undefined : { ...known.handle, running: known.run?.running ?? false };
  }

  exec(request: ExecRequest): ExecProcess {
    const run = this.#running(request);
    const { tty = false, stdin = false, size } = request;
    const { env, workingDir } = run.spec.command;
    try {
      return run.exec(
        { argv: request.command, env: tty ? { TERM: 'xterm', ...env } : env, workingDir },
        { tty, stdin, size },
      );
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError('ERR_EXEC_FAILED', `Cannot run in the container: ${errorMessage(error)}`, error);
    }
  }

  attach(ref: ContainerRef, listener: OutputListener): Attachment {
    const run = this.#running(ref);
    const listening = run.listen(listener);
    return {
      stdin: run.stdin,
      tty: run.spec.tty,
      stdinOnce: run.spec.stdinOnce,
      wait: () => run.exited,
      resize: (size) => run.resize(size),
      [Symbol.dispose]: () => listening[Symbol.dispose](),
    };
  }

  dial(podUid: string, port: number): Socket {
    const sandbox = this.#pods.get(podUid)?.sandbox;
    if (sandbox === undefined) {
      throw new RuntimeError('ERR_CONTAINER_NOT_FOUND', `Cannot connect to Pod ${JSON.stringify(podUid)}: not running`);
    }
    return dialFrom(sandbox.spec.netFd, '127.0.0.1', port);
  }

  #running(ref: ContainerRef): ContainerRun {
    const run = this.#pods.get(ref.podUid)?.containers.get(ref.container)?.run;
    if (run?.running === true) return run;
    throw new RuntimeError(
      'ERR_CONTAINER_NOT_FOUND',
      `Cannot use container ${JSON.stringify(ref.container)}: it is not running`,
    );
  }

  #know({ mainContainer, nodeName, ...ref }: PodRegistration): KnownPod {
    const known = this.#pods.get(ref.podUid);
    if (known !== undefined) return known;
    const pod: KnownPod = { ref, nodeName, mainContainer, sandbox: undefined, containers: new Map() };
    this.#pods.set(ref.podUid, pod);
    return pod;
  }
}

/** A connection whose socket lives in the network namespace `netFd`. */
export function dialFrom(netFd: number, host: string, port: number): Socket {
  const fd = inNetns(netFd, () => openConnectSocket(host.includes(':') ? 6 : 4));
  const socket = new Socket({ fd });
  socket.connect({ host, port });
  return socket;
}

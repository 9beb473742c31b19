import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage } from '#base/errors.ts';
import { type Container, type ContainerStatus, type Pod } from '#api/generated/types.ts';
import { logDirectory, logPath, type NodeContext, podDirectory } from './node-context.ts';
import { containerArgv, ContainerConfigError } from './pod/container-env.ts';
import { type ContainerKind, type ContainerView, type Terminated, terminatedFromApi } from './pod/container-view.ts';
import { CONTAINER_ID_SCHEME } from './pod/container-view.ts';
import { isHostImage } from './pod/host-image-name.ts';
import { formatSeconds, RestartBackoff } from './pod/restart-backoff.ts';
import { ContainerProbes } from './probe/container-probes-agent.ts';
import { type ExitStatus, RuntimeError } from './runtime.ts';
import { planContainerMounts, type ContainerMount } from './sandbox/container-mounts.ts';
import { type ContainerRun } from './sandbox/container-run-sync.ts';
import { planHostImage } from './sandbox/host-image.ts';
import { readRootEntries } from './sandbox/mount-sync.ts';
import { type PodSandbox } from './sandbox/pod-sandbox-sync.ts';

export interface ContainerPlace {
  readonly pod: Pod;
  readonly podIp: string;
  readonly sandbox: PodSandbox;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly ContainerMount[];
}

const CONFIG_RETRY_MS = 2000;
const TERMINATION_MESSAGE_BYTES = 4096;

/** One container of one Pod over all its runs. */
export class ContainerAgent {
  readonly spec: Container;
  readonly kind: ContainerKind;
  readonly #node: NodeContext;
  readonly #onChange: () => void;
  readonly #backoff = new RestartBackoff();
  readonly #pullBackoff = new RestartBackoff();
  #run: ContainerRun | undefined;
  #probes: ContainerProbes | undefined;
  #state: ContainerView['state'];
  #last: Terminated | undefined;
  #restarts = 0;
  #id: string | undefined;
  #retryAt = 0;
  #killTimer: { readonly at: number; readonly timer: Disposable } | undefined;
  #stopping = false;
  #ran = false;

  constructor(node: NodeContext, spec: Container, kind: ContainerKind, waitingFor: string, onChange: () => void) {
    this.#node = node;
    this.spec = spec;
    this.kind = kind;
    this.#onChange = onChange;
    this.#state = { kind: 'waiting', reason: waitingFor };
  }

  /**
   * Takes over what an earlier process of this node reported. What ran then was lost with it and counts as a failure;
   * with `again` it waits for its next run, else that was its end.
   */
  resume(status: ContainerStatus, again: (exitCode: number) => boolean): void {
    this.#restarts = status.restartCount;
    this.#last = terminatedFromApi(status.lastState?.terminated);
    this.#id = status.containerID?.replace(CONTAINER_ID_SCHEME, '');
    const { running, terminated } = status.state ?? {};
    const end = terminatedFromApi(terminated) ?? (running === undefined ? this.#last : this.#lost(running.startedAt));
    if (end === undefined) return;
    this.#ran = true;
    if (again(end.exitCode)) this.#last = end;
    else this.#state = end;
  }

  get view(): ContainerView {
    const readiness = this.#probes?.ready ?? false;
    return {
      name: this.spec.name,
      image: this.spec.image ?? '',
      kind: this.kind,
      state: this.#state,
      last: this.#last,
      restarts: this.#restarts,
      ready: readiness,
      started: this.#probes?.started ?? false,
      id: this.#id,
      retryAt: this.#retryAt,
      backoffMs: this.#backoff.delayMs,
    };
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Runs it, or notes why that cannot be. Never throws. */
  start(place: ContainerPlace): void {
    const { pod } = place;
    if (!this.#imagePresent(pod)) return;
    try {
      const argv = containerArgv(this.spec, place.env);
      if (argv.length === 0) throw new NoCommandError();
      this.#begin(place, argv);
    } catch (error) {
      this.#failed(pod, error);
    }
  }

  /** The container's configuration is not complete; tried again soon. */
  failConfig(pod: Pod, error: ContainerConfigError): void {
    this.#failed(pod, error);
  }

  /** Asks it to end, and ends it after `graceMs`. An earlier deadline that is already set stands. */
  stop(pod: Pod, graceMs: number, message: string = `Stopping container ${this.spec.name}`): void {
    const run = this.#run;
    if (run === undefined) return;
    const at = this.#node.clock.monotonic() + graceMs;
    if (this.#killTimer !== undefined && this.#killTimer.at <= at) return;
    this.#killTimer?.timer[Symbol.dispose]();
    this.#killTimer = { at, timer: this.#node.clock.after(graceMs, () => run.kill('SIGKILL')) };
    if (this.#stopping) return;
    this.#stopping = true;
    this.#event(pod, 'Normal', 'Killing', message);
    void this.#terminate(run, graceMs);
  }

  /** At once, and without a word: the Pod is gone, or we are going. */
  async kill(): Promise<void> {
    this.#run?.kill('SIGKILL');
    await this.#run?.exited;
  }

  /** To be called while its containers may be backing off, once for each wait. */
  noteBackoff(pod: Pod): void {
    const id = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`;
    const message = `Back-off restarting failed container ${this.spec.name} in pod ${id}`;
    if (this.#state.kind === 'terminated') this.#event(pod, 'Warning', 'BackOff', message);
  }

  async #terminate(run: ContainerRun, graceMs: number): Promise<void> {
    await this.#probes?.beforeStop(graceMs);
    run.kill('SIGTERM');
  }

  #begin(place: ContainerPlace, argv: readonly string[]): void {
    const { runtime, clock } = this.#node;
    const { pod, sandbox } = place;
    const attempt = this.#ran ? this.#restarts + 1 : this.#restarts;
    const id = randomBytes(32).toString('hex');
    const directory = `${podDirectory(this.#node, pod.metadata.uid)}/containers/${this.spec.name}-${attempt}`;
    const messageFile = `${sandbox.etcDir}/termination-${this.spec.name}`;
    writeFileSync(messageFile, '');
    this.#event(pod, 'Normal', 'Pulled', `Container image ${quote(this.spec.image)} already present on machine`);
    // Whatever comes of it, it was a run: the next one is the next attempt.
    this.#remember();
    this.#restarts = attempt;
    this.#ran = true;
    this.#id = id;
    const run = runtime.startContainer(pod.metadata.uid, {
      id,
      name: this.spec.name,
      command: { argv, env: place.env, workingDir: this.spec.workingDir },
      mounts: this.#mounts(place, directory, messageFile),
      directory,
      logPath: logPath(logDirectory(this.#node, refOf(pod)), this.spec.name, attempt),
      tty: this.spec.tty ?? false,
      stdin: this.spec.stdin ?? false,
      stdinOnce: this.spec.stdinOnce ?? false,
    });
    this.#run = run;
    this.#state = { kind: 'running', startedAt: clock.now() };
    this.#event(pod, 'Normal', 'Created', `Created container: ${this.spec.name}`);
    this.#event(pod, 'Normal', 'Started', `Started container ${this.spec.name}`);
    this.#probes = this.#watchHealth(place);
    run.exited.then(
      (exit) => this.#ended(run, exit, messageFile),
      (error: unknown) => {
        this.#node.log.error('container lost', { container: this.spec.name, error: errorMessage(error) });
        this.#ended(run, { code: 255, signal: undefined }, messageFile);
      },
    );
  }

  #mounts(place: ContainerPlace, directory: string, messageFile: string): ReturnType<typeof planContainerMounts> {
    const { rootless } = this.#node.runtime.thread;
    const image = planHostImage({
      entries: readRootEntries(),
      layerDir: directory,
      masked: this.#node.maskedPaths,
      rootless,
      // A privileged agent can make any mount point when it comes to it.
      directories: rootless ? place.mounts.map(({ target }) => target) : [],
    });
    const message = {
      source: messageFile,
      target: this.spec.terminationMessagePath ?? '/dev/termination-log',
      readOnly: false,
    };
    return planContainerMounts({
      image,
      etcDir: place.sandbox.etcDir,
      shmDir: place.sandbox.shmDir,
      mounts: [...place.mounts, message],
    });
  }

  #watchHealth({ pod, podIp }: ContainerPlace): ContainerProbes {
    return new ContainerProbes({
      node: this.#node,
      podUid: pod.metadata.uid,
      podIp,
      container: this.spec,
      onChange: this.#onChange,
      onUnhealthy: (message) => this.#event(pod, 'Warning', 'Unhealthy', message),
      onFatal: (kind, graceSeconds) => {
        const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
        this.stop(pod, grace * 1000, `Container ${this.spec.name} failed ${kind} probe, will be restarted`);
      },
    });
  }

  #ended(run: ContainerRun, exit: ExitStatus, messageFile: string): void {
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#probes?.[Symbol.dispose]();
    this.#killTimer?.timer[Symbol.dispose]();
    this.#killTimer = undefined;
    this.#stopping = false;
    const now = this.#node.clock.now();
    const reason = exit.code === 0 ? 'Completed' : 'Error';
    const message = readMessage(messageFile);
    this.#state = { ...ended(exit.code, reason, run.startedAt, now, this.#id), message };
    this.#backoff.ended(run.startedAt, now);
    this.#retryAt = this.#backoff.readyAt(now);
    this.#onChange();
  }

  #lost(startedAt: string | undefined): Terminated {
    const now = this.#node.clock.now();
    const message = 'The container was lost when its node restarted';
    return { ...ended(255, 'Unknown', startedAt === undefined ? now : Date.parse(startedAt), now, this.#id), message };
  }

  #imagePresent(pod: Pod): boolean {
    const image = this.spec.image ?? '';
    if (isHostImage(image)) return true;
    const cause = `failed to pull image ${quote(image)}: this version runs only the image "host", the machine's own files`;
    const first = this.#pullBackoff.delayMs === 0;
    this.#pullBackoff.restarted();
    this.#retryAt = this.#node.clock.now() + this.#pullBackoff.delayMs;
    const backingOff = `Back-off pulling image ${quote(image)}`;
    if (first) {
      this.#state = { kind: 'waiting', reason: 'ErrImagePull', message: cause };
      this.#event(pod, 'Warning', 'Failed', `Failed to pull image ${quote(image)}: ${cause}`);
      this.#event(pod, 'Warning', 'Failed', 'Error: ErrImagePull');
    } else {
      this.#state = { kind: 'waiting', reason: 'ImagePullBackOff', message: `${backingOff}: ErrImagePull: ${cause}` };
      this.#event(pod, 'Normal', 'BackOff', backingOff);
      this.#event(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    }
    return false;
  }

  #failed(pod: Pod, error: unknown): void {
    const now = this.#node.clock.now();
    const message = errorMessage(error);
    if (error instanceof ContainerConfigError || error instanceof NoCommandError) {
      const reason = error instanceof ContainerConfigError ? error.code : 'CreateContainerError';
      this.#state = { kind: 'waiting', reason, message };
      this.#retryAt = now + CONFIG_RETRY_MS;
      this.#event(pod, 'Warning', 'Failed', `Error: ${message}`);
      return;
    }
    const why = `failed to start container ${quote(this.spec.name)}: ${message}`;
    const known = error instanceof RuntimeError && error.code === 'ERR_COMMAND_NOT_FOUND';
    if (!known) this.#node.log.warn('container did not start', { container: this.spec.name, error: message });
    this.#state = { ...ended(128, 'StartError', now, now, this.#id), message: why };
    this.#retryAt = this.#backoff.readyAt(now);
    this.#event(pod, 'Warning', 'Failed', `Error: ${why}`);
  }

  /** What was the state becomes the past. */
  #remember(): void {
    if (this.#state.kind !== 'terminated') return;
    this.#last = this.#state;
    this.#backoff.restarted();
  }

  #event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const list = this.kind === 'main' ? 'containers' : 'initContainers';
    this.#node.events.record(pod, type, reason, message, { fieldPath: `spec.${list}{${this.spec.name}}` });
  }
}

class NoCommandError extends Error {
  constructor() {
    super('failed to generate container spec: no command specified');
  }
}

export function refOf(pod: Pod): { readonly namespace: string; readonly name: string; readonly uid: string } {
  return { namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name, uid: pod.metadata.uid };
}

export function crashLoopMessage(view: ContainerView, pod: Pod): string {
  const { name, namespace = '', uid } = pod.metadata;
  const delay = formatSeconds(view.backoffMs);
  return `back-off ${delay} restarting failed container=${view.name} pod=${name}_${namespace}(${uid})`;
}

function ended(
  exitCode: number,
  reason: string,
  startedAt: number,
  finishedAt: number,
  id: string | undefined,
): Terminated {
  return { kind: 'terminated', exitCode, reason, startedAt, finishedAt, id };
}

function readMessage(file: string): string {
  try {
    return readFileSync(file).subarray(0, TERMINATION_MESSAGE_BYTES).toString();
  } catch {
    return '';
  }
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? '');
}

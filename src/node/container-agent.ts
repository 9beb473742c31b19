import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { errorMessage } from '#base/errors.ts';
import type { Container, ContainerStatus, Pod, ResourceRequirements } from '#api/generated/types.ts';
import { containerLimits } from './cgroup/container-limits.ts';
import { planContainerTree } from './container-tree-agent.ts';
import type { ContainerConfig, ContainerPlace, ContainerSpec, StopOptions } from './container-place.ts';
import { ContainerEnd } from './container-end-agent.ts';
import { containerFiles, removeOldRuns } from './container-files-agent.ts';
import type { NodeContext } from './node-context.ts';
import { containerArgv, ContainerConfigError } from './pod/container-env.ts';
import {
  type ContainerKind,
  type ContainerView,
  CONTAINER_ID_SCHEME,
  ended,
  fieldPathOf,
  type Terminated,
  terminatedFromApi,
  type Waiting,
} from './pod/container-view.ts';
import { type ContainerImage, ImageAgent } from './image-agent.ts';
import { imageFacts, type ImageFacts } from './pod/image-facts.ts';
import { containerSecurity } from './pod/container-security.ts';
import { configFailure, NoCommandError } from './start-failure.ts';
import { oomScoreAdjust } from './pod/oom-score.ts';
import { needsRestart } from './pod/pod-resize.ts';
import { backOffEvent, RestartBackoff } from './pod/restart-backoff.ts';
import { ContainerProbes } from './probe/container-probes-agent.ts';
import { type ExitStatus, RuntimeError } from './runtime.ts';
import type { ContainerRun, ContainerRunSpec } from './sandbox/container-run-sync.ts';
import { readLogEnd, readMessage } from './sandbox/termination-message-sync.ts';
import { dialFrom } from './sandbox/runtime-agent.ts';

const CONFIG_RETRY_MS = 2000;

/** One container of one Pod over all its runs. */
export class ContainerAgent {
  readonly kind: ContainerKind;
  readonly #node: NodeContext;
  readonly #onChange: () => void;
  #spec: ContainerSpec;
  /** What the present run, or the last one, has: one that is to run anew has still the old ones. */
  #given: ResourceRequirements | undefined;
  #backoff = new RestartBackoff();
  #image: ImageAgent;
  /** It has to run anew, whatever its Pod says about restarts. */
  #renewed = false;
  #run: ContainerRun | undefined;
  #probes: ContainerProbes | undefined;
  #state: ContainerView['state'];
  /** What it was shown as before it ran. */
  #before: Waiting = { kind: 'waiting', reason: 'ContainerCreating' };
  #last: Terminated | undefined;
  #restarts = 0;
  #id: string | undefined;
  #imageId = '';
  #stopSignal: NodeJS.Signals = 'SIGTERM';
  #retryAt = 0;
  #end: ContainerEnd | undefined;
  #ran = false;
  /** Between two runs nobody may collect it. */
  #held: Disposable | undefined;

  constructor(node: NodeContext, spec: Container, kind: ContainerKind, waitingFor: string, onChange: () => void) {
    this.#node = node;
    this.#spec = spec;
    this.kind = kind;
    this.#onChange = onChange;
    this.#image = this.#imageAgent();
    this.#state = { kind: 'waiting', reason: waitingFor };
  }

  /** As it is to run, and to have. */
  get spec(): ContainerSpec {
    return this.#spec;
  }

  #imageAgent(): ImageAgent {
    return new ImageAgent(this.#node, this.#spec, this.#event.bind(this), () => {
      this.#retryAt = 0;
      this.#onChange();
    });
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
      inHook: this.#probes?.inHook ?? false,
      unseen: this.#isUnseen ? this.#before : undefined,
      id: this.#id,
      imageId: this.#imageId,
      resources: this.#id === undefined ? undefined : (this.#given ?? this.#spec.resources ?? {}),
      renewed: this.#renewed,
      retryAt: this.#retryAt,
      backoffMs: this.#backoff.delayMs,
    };
  }

  /** Only where somebody goes by its being ready. */
  get #isUnseen(): boolean {
    const serves = this.kind === 'main' || this.kind === 'sidecar';
    return this.#probes !== undefined && serves && (this.#probes.inHook || this.#probes.settling);
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Runs it, or notes why that cannot be. Never throws. */
  start(place: ContainerPlace): void {
    const { pod } = place;
    const answer = this.#image.ask(pod);
    if (answer.kind === 'waiting') {
      this.#remember();
      const { reason, message } = answer;
      this.#state = { kind: 'waiting', reason, ...(message === undefined ? {} : { message }) };
      this.#retryAt = answer.retryAt;
      return;
    }
    try {
      const image = imageFacts(answer.image, this.spec);
      const config = place.configure(image.env);
      const argv = containerArgv(this.spec, config.env, image);
      if (argv.length === 0) throw new NoCommandError();
      this.#begin(place, answer.image, image, config, argv);
    } catch (error) {
      this.#failed(pod, error);
      if (error instanceof ContainerConfigError) place.renew();
    }
  }

  /** Another image means another run, at once and whatever the Pod says about restarts. */
  replaceImage(pod: Pod, image: string | undefined, graceMs: number): void {
    this.#spec = { ...this.#spec, image };
    this.#image[Symbol.dispose]();
    this.#image = this.#imageAgent();
    this.#backoff = new RestartBackoff();
    this.#retryAt = 0;
    if (this.kind !== 'init') this.#renew(pod, graceMs, 'definition changed, will be restarted');
  }

  /** Other limits, for the run that there is where its policy allows that. Throws what the kernel says to them. */
  reallocate(pod: Pod, { resources = {}, resizePolicy }: Container, graceMs: number): void {
    const before = this.#spec;
    const anew = needsRestart({ ...before, resizePolicy }, resources);
    if (!anew) this.#run?.limit(containerLimits(resources));
    this.#spec = { ...before, resources, resizePolicy };
    if (!anew) this.#given = resources;
    if (anew) this.#renew(pod, graceMs, 'resize requires restart');
  }

  #renew(pod: Pod, graceMs: number, why: string): void {
    if (!this.running) return;
    this.#renewed = true;
    this.stop(pod, graceMs, { message: `Container ${this.spec.name} ${why}` });
  }

  /** Resolves when it does not run. */
  get ended(): Promise<unknown> {
    return this.#run?.exited.catch(() => {}) ?? Promise.resolve();
  }

  /** Asks it to end when its `turn` has come, and ends it after `graceMs`. Once that is begun it can only be hurried. */
  stop(pod: Pod, graceMs: number, { message, turn }: StopOptions = {}): void {
    const run = this.#run;
    const probes = this.#probes;
    if (run === undefined || probes === undefined) return;
    if (this.#end !== undefined) {
      this.#end.hurry(graceMs);
      return;
    }
    this.#event(pod, 'Normal', 'Killing', message ?? `Stopping container ${this.spec.name}`);
    this.#end = new ContainerEnd(
      {
        clock: this.#node.clock,
        run,
        signal: this.#stopSignal,
        hook: (signal) => probes.beforeStop(signal),
        turn: turn ?? Promise.resolve(),
      },
      graceMs,
    );
  }

  /** At once, and without a word: the Pod is gone, or we are going. */
  async kill(): Promise<void> {
    this.#run?.kill('SIGKILL');
    await this.#run?.exited;
    this[Symbol.dispose]();
  }

  /** When it will not run again. */
  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  /** To be called while its containers may be backing off, once for each wait. */
  noteBackoff(pod: Pod): void {
    if (this.#state.kind === 'terminated') this.#event(pod, 'Warning', 'BackOff', backOffEvent(this.spec.name, pod));
  }

  #begin(
    place: ContainerPlace,
    image: ContainerImage,
    facts: ImageFacts,
    { env, mounts }: ContainerConfig,
    argv: readonly string[],
  ): void {
    const { pod, sandbox } = place;
    const attempt = this.#ran ? this.#restarts + 1 : this.#restarts;
    const files = containerFiles(this.#node, pod, this.spec.name, attempt);
    const messageFile = `${sandbox.etcDir}/termination-${this.spec.name}`;
    writeFileSync(messageFile, '');
    // Whoever the container's user is, whatever our umask.
    chmodSync(messageFile, 0o666);
    this.#remember();
    const before = this.#held;
    this.#held = image.kind === 'oci' ? this.#node.images.hold(image.record) : undefined;
    before?.[Symbol.dispose]();
    const spec: ContainerRunSpec = {
      id: randomBytes(32).toString('hex'),
      name: this.spec.name,
      command: { argv, env, workingDir: this.spec.workingDir ?? facts.workingDir },
      security: containerSecurity(pod, this.spec, facts.user),
      limits: containerLimits(this.spec.resources),
      oomScoreAdjust: oomScoreAdjust(pod, this.spec, this.#node.machine.memoryKiB * 1024),
      mounts: planContainerTree(this.#node, {
        spec: this.spec,
        image,
        sandbox,
        mounts,
        directory: files.directory,
        messageFile,
      }),
      ...files,
      tty: this.spec.tty ?? false,
      stdin: this.spec.stdin ?? false,
      stdinOnce: this.spec.stdinOnce ?? false,
    };
    const run = this.#startRun(pod, spec, attempt, facts);
    this.#run = run;
    if (this.#state.kind === 'waiting') this.#before = this.#state;
    this.#state = { kind: 'running', startedAt: this.#node.clock.now() };
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

  #watchHealth({ pod, podIp }: ContainerPlace): ContainerProbes {
    const { clock, network, runtime } = this.#node;
    const { uid: podUid } = pod.metadata;
    return new ContainerProbes({
      clock,
      context: {
        dial: (host, port) => dialFrom(network.fd, host, port),
        exec: (command) => runtime.exec({ podUid, container: this.spec.name, command }),
      },
      podIp,
      container: this.spec,
      isAtRest: () => this.#run?.isAtRest ?? false,
      onChange: this.#onChange,
      onHookFailed: (why) => {
        this.#hookFailed(pod, 'PostStart', why);
        const grace = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
        this.stop(pod, grace, { message: 'FailedPostStartHook' });
      },
      onPreStopFailed: (why) => this.#hookFailed(pod, 'PreStop', why),
      onUnhealthy: (message) => this.#event(pod, 'Warning', 'Unhealthy', message),
      onProbeWarning: (message) => this.#event(pod, 'Warning', 'ProbeWarning', message),
      onFatal: (kind, graceSeconds) => {
        const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
        const message = `Container ${this.spec.name} failed ${kind} probe, will be restarted`;
        this.stop(pod, grace * 1000, { message });
      },
    });
  }

  #hookFailed(pod: Pod, hook: 'PostStart' | 'PreStop', why: string): void {
    this.#node.log.warn(`${hook} hook failed`, { pod: pod.metadata.name, container: this.spec.name, why });
    this.#event(pod, 'Warning', `Failed${hook}Hook`, `${hook}Hook failed`);
  }

  #ended(run: ContainerRun, exit: ExitStatus, messageFile: string): void {
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#probes?.[Symbol.dispose]();
    this.#end?.[Symbol.dispose]();
    this.#end = undefined;
    const now = this.#node.clock.now();
    const failed = exit.oomKilled === true ? 'OOMKilled' : 'Error';
    const reason = exit.code === 0 ? 'Completed' : failed;
    const message = this.#lastWords(run, exit, messageFile);
    this.#state = { ...ended(exit.code, reason, run.startedAt, now, this.#id), message };
    this.#backoff.ended(run.startedAt, now);
    this.#retryAt = this.#backoff.readyAt(now);
    this.#onChange();
  }

  #lastWords(run: ContainerRun, exit: ExitStatus, messageFile: string): string {
    const message = readMessage(messageFile);
    const fallBack = this.spec.terminationMessagePolicy === 'FallbackToLogsOnError';
    return message === '' && fallBack && exit.code !== 0 ? readLogEnd(run.spec.logPath) : message;
  }

  #lost(startedAt: string | undefined): Terminated {
    const now = this.#node.clock.now();
    const message = 'The container was lost when its node restarted';
    return { ...ended(255, 'Unknown', startedAt === undefined ? now : Date.parse(startedAt), now, this.#id), message };
  }

  #failed(pod: Pod, error: unknown): void {
    const now = this.#node.clock.now();
    const message = errorMessage(error);
    const reason = configFailure(error);
    if (reason !== undefined) {
      this.#state = { kind: 'waiting', reason, message };
      this.#retryAt = now + CONFIG_RETRY_MS;
      this.#event(pod, 'Warning', 'Failed', `Error: ${message}`);
      return;
    }
    const why = `failed to start container ${JSON.stringify(this.spec.name)}: ${message}`;
    const known = error instanceof RuntimeError && error.code === 'ERR_COMMAND_NOT_FOUND';
    if (!known) this.#node.log.warn('container did not start', { container: this.spec.name, error: message });
    this.#state = { ...ended(128, 'StartError', now, now, this.#id), message: why };
    this.#retryAt = this.#backoff.readyAt(now);
    this.#event(pod, 'Normal', 'Created', `Created container: ${this.spec.name}`);
    this.#event(pod, 'Warning', 'Failed', `Error: ${why}`);
  }

  /** What was made counts as a run, even if it did not start: the next one is the next attempt. */
  #startRun(pod: Pod, spec: ContainerRunSpec, attempt: number, { imageId, stopSignal }: ImageFacts): ContainerRun {
    let failure: string | undefined;
    try {
      return this.#node.runtime.startContainer(pod.metadata.uid, spec, this.spec.targetContainerName || undefined);
    } catch (error) {
      failure = configFailure(error);
      throw error;
    } finally {
      if (failure === undefined) {
        this.#restarts = attempt;
        this.#ran = true;
        this.#renewed = false;
        this.#given = this.#spec.resources;
        this.#id = spec.id;
        this.#imageId = imageId;
        this.#stopSignal = stopSignal;
        void removeOldRuns(this.#node, pod, this.spec.name, attempt);
      }
    }
  }

  /** What was the state becomes the past. */
  #remember(): void {
    if (this.#state.kind !== 'terminated') return;
    this.#last = this.#state;
    this.#backoff.restarted();
  }

  #event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#node.events.record(pod, type, reason, message, { fieldPath: fieldPathOf(this.kind, this.spec.name) });
  }
}

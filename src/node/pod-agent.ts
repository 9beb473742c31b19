import { rm } from 'node:fs/promises';
import { errorMessage } from '#base/errors.ts';
import type { Container, Pod, PodCondition, PodStatus } from '#api/generated/types.ts';
import type { Demand } from '#api/pod/demand.ts';
import { pods } from '#api/resource.ts';
import { isAnotherObject, isReason } from '#client/client.ts';
import { LEAST_GRACE_MS } from './container-end-agent.ts';
import { ContainerAgent } from './container-agent.ts';
import { logDirectory, type NodeContext, podDirectory, refOf } from './node-context.ts';
import { type ContainerKind, type ContainerView, isSettling } from './pod/container-view.ts';
import { type PodAction, podActions, type StopAction, stopActions } from './pod/pod-actions.ts';
import { podStatus } from './pod/pod-status.ts';
import { crashLoopMessage } from './pod/restart-backoff.ts';
import { fetchPodInputs } from './pod-inputs-agent.ts';
import { resumeContainers } from './pod-resume-agent.ts';
import { createPodSandbox, type MadeSandbox, PreparationError } from './pod-sandbox-agent.ts';
import { PodResize, type PodResizeOptions, RESIZE_RETRY_MS } from './pod-resize-agent.ts';
import { PodSupplies } from './pod-supplies-agent.ts';
import type { Evictable } from './eviction/disk-pressure-agent.ts';
import type { StoragePaths } from './eviction/disk-use-agent.ts';
import { watchStorage } from './eviction/storage-limit-agent.ts';

/** What a Pod has once its containers may start. */
interface Prepared extends MadeSandbox {
  readonly supplies: PodSupplies;
}

/** immediateEvictionGracePeriodSeconds */
const EVICTION_GRACE_MS = 1000;

/** One Pod on this node, from the first time it is seen until nothing of it is left. */
export class PodAgent {
  readonly uid: string;
  readonly #node: NodeContext;
  readonly #wake: (afterMs?: number) => void;
  #containers: readonly ContainerAgent[];
  readonly #startTime: number;
  readonly #resize: PodResize;
  #pod: Pod;
  /** Gone from the API without our doing: nobody waits for it to end well. */
  #orphaned = false;
  #ended = false;
  /** Deleted, and nothing of it runs. */
  #gone = false;
  #prepared: Prepared | undefined;
  #podIps: readonly string[];
  #phase: 'Succeeded' | 'Failed' | undefined;
  #reason: { readonly reason: string; readonly message: string } | undefined;
  #evicted = false;
  /** Resolves when nothing of it is on the disk. */
  readonly #cleared = Promise.withResolvers<void>();
  /** Why somebody else than its owner ends it. */
  #disruption: { readonly reason: string; readonly message: string } | undefined;
  #written = '';
  #conditions: readonly PodCondition[] = [];
  #backedOff = new Set<string>();
  #storage: Disposable | undefined;
  #done = false;

  /** `wake` asks for another call of `sync`. */
  constructor(node: NodeContext, pod: Pod, wake: (afterMs?: number) => void, judge: PodResizeOptions['judge']) {
    this.#node = node;
    this.#pod = pod;
    this.#wake = wake;
    this.uid = pod.metadata.uid;
    this.#podIps = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
    this.#startTime = pod.status?.startTime === undefined ? node.clock.now() : Date.parse(pod.status.startTime);
    const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
    const waitingFor = initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating';
    this.#containers = [
      ...initContainers.map((spec) =>
        this.#make(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init', waitingFor),
      ),
      ...containers.map((spec) => this.#make(spec, 'main', waitingFor)),
      ...ephemeralContainers.map((spec) => this.#make(spec, 'ephemeral', 'ContainerCreating')),
    ];
    this.#resize = new PodResize(pod, {
      containers: () => this.#containers,
      graceMs: () => this.#graceMs(),
      judge,
      onCompleted: (message) => this.#event('Normal', 'ResizeCompleted', message),
    });
    const { status } = pod;
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') this.#phase = status.phase;
    this.#ended = this.#phase !== undefined;
    resumeContainers(node, pod, this.#containers, this.#phase === undefined);
  }

  /** What it takes of the node, until it is gone or the API has heard that it ended: a scheduler gives that away. */
  get demand(): Demand | undefined {
    return this.#ended || this.#orphaned ? undefined : this.#resize.demand;
  }

  /** What an end of it would give back to the disk; undefined when it is over. */
  get evictable(): Evictable | undefined {
    if (this.#prepared === undefined || this.#phase !== undefined) return undefined;
    const evict = (message: string): Promise<void> => {
      this.#evict(message, { reason: 'TerminationByKubelet', message });
      return this.#cleared.promise;
    };
    return { pod: this.#pod, paths: this.#paths, evict };
  }

  get done(): boolean {
    return this.#done;
  }

  update(pod: Pod): void {
    this.#pod = pod;
    this.#prepared?.supplies.update(pod);
    for (const { name, image } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const container = this.#container(name);
      if (container?.spec.image !== image) container?.replaceImage(pod, image, this.#graceMs());
    }
    const fresh = (pod.spec.ephemeralContainers ?? []).filter(({ name }) => this.#container(name) === undefined);
    const agents = fresh.map((spec) => this.#make(spec, 'ephemeral', 'ContainerCreating'));
    this.#containers = [...this.#containers, ...agents];
  }

  orphan(): void {
    this.#orphaned = true;
  }

  /** Brings the Pod one step on. Calls must not overlap. Throws when it should be tried again after a while. */
  async sync(): Promise<void> {
    if (this.#done) return;
    if (this.#orphaned) {
      // Nobody waits for it, but what it has in memory may still be worth a moment.
      if (this.#stopAll(Math.min(this.#graceMs(), LEAST_GRACE_MS))) await this.discard();
      return;
    }
    if (this.#pod.metadata.deletionTimestamp !== undefined) {
      await this.#finishDeletion();
      return;
    }
    if (this.#phase !== undefined && this.#prepared === undefined) return;
    this.#checkDeadline();
    try {
      if (this.#phase === undefined) await this.#prepare();
    } catch (error) {
      await this.#writeStatus();
      if (error instanceof PreparationError) this.#event('Warning', error.code, error.message);
      throw error;
    }
    // Meanwhile it may have been deleted.
    if (this.#orphaned || this.#pod.metadata.deletionTimestamp !== undefined) return this.sync();
    if (this.#phase === undefined && !this.#resize.settle(this.#pod)) this.#wake(RESIZE_RETRY_MS);
    await this.#act();
    // In a moment there is more to tell at one time.
    if (!this.#views.some(isSettling)) await this.#writeStatus();
  }

  /** Ends everything at once; the files of a Pod that is still in the API stay for its next start. */
  async discard(): Promise<void> {
    this.#done = true;
    await Promise.all(this.#containers.map((container) => container.kill()));
    await this.#removeSandbox(this.#orphaned ? 'all' : 'running');
    if (this.#orphaned) await this.#forget();
    else this.#node.runtime.forget(this.uid);
  }

  #make(spec: Container, kind: ContainerKind, waitingFor: string): ContainerAgent {
    return new ContainerAgent(this.#node, spec, kind, waitingFor, () => this.#wake());
  }

  get #views(): readonly ContainerView[] {
    return this.#containers.map(({ view }) => view);
  }

  get #restartPolicy(): string {
    return this.#pod.spec.restartPolicy ?? 'Always';
  }

  #checkDeadline(): void {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined || this.#phase !== undefined) return;
    const left = this.#startTime + seconds * 1000 - this.#node.clock.now();
    if (left > 0) {
      this.#wake(left);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#reason = { reason: 'DeadlineExceeded', message };
    this.#phase = 'Failed';
    this.#event('Normal', 'DeadlineExceeded', message);
  }

  async #prepare(): Promise<void> {
    if (this.#prepared !== undefined) return;
    const inputs = await fetchPodInputs(this.#node, this.#pod);
    // What follows is done in one go: between network, files and processes nobody else gets a turn.
    const pod = this.#pod;
    const made = createPodSandbox(this.#node, pod);
    this.#podIps = made.podIps;
    try {
      this.#prepared = { ...made, supplies: new PodSupplies(this.#node, pod, made, inputs) };
    } catch (error) {
      await this.#node.runtime.removeSandbox(this.uid, 'running');
      throw error;
    }
    this.#storage = watchStorage(pod, this.#paths, this.#node.clock, (message) => this.#evict(message));
  }

  get #paths(): StoragePaths {
    return {
      podDirectory: podDirectory(this.#node, this.uid),
      logDirectory: logDirectory(this.#node, refOf(this.#pod)),
    };
  }

  /** Nothing where it has ended by itself meanwhile. */
  #evict(message: string, disruption?: { readonly reason: string; readonly message: string }): void {
    if (this.#phase !== undefined) return;
    this.#evicted = true;
    this.#disruption = disruption;
    this.#reason = { reason: 'Evicted', message };
    this.#phase = 'Failed';
    this.#event('Warning', 'Evicted', message);
    this.#wake();
  }

  async #act(): Promise<void> {
    for (;;) {
      if (this.#phase !== undefined) {
        if (this.#stopAll(this.#graceMs())) await this.#removeSandbox();
        return;
      }
      const now = this.#node.clock.now();
      const actions = podActions({ restartPolicy: this.#restartPolicy, containers: this.#views, now });
      let changed = false;
      for (const action of actions) {
        changed = this.#do(action, now);
        // One by one: a container that could not start, or has a hook to run, has changed what comes next.
        if (changed) break;
      }
      this.#noteBackoffs();
      if (!changed) return;
    }
  }

  /** True when that may be followed by other actions than those planned. */
  #do(action: PodAction, now: number): boolean {
    switch (action.kind) {
      case 'start':
        this.#backedOff.delete(action.container);
        this.#start(action.container);
        return true;
      case 'stop':
        this.#stop(action, this.#graceMs());
        return false;
      case 'wait':
        this.#wake(action.until - now);
        return false;
      case 'finish':
        this.#phase = action.phase;
        return true;
    }
  }

  #start(name: string): void {
    const prepared = this.#prepared;
    const container = this.#container(name);
    if (prepared === undefined || container === undefined) return;
    const { sandbox, podIps, supplies } = prepared;
    container.start({
      pod: this.#pod,
      podIp: podIps[0] ?? '',
      sandbox,
      configure: (imageEnv) => supplies.configure(container.spec, imageEnv),
      // The next attempt needs the objects as they are then.
      renew: () => void supplies.renew(),
    });
  }

  #noteBackoffs(): void {
    const now = this.#node.clock.now();
    for (const container of this.#containers) {
      const { name, state, retryAt } = container.view;
      if (state.kind !== 'terminated' || retryAt <= now || this.#backedOff.has(name)) continue;
      this.#backedOff.add(name);
      container.noteBackoff(this.#pod);
    }
  }

  async #finishDeletion(): Promise<void> {
    const stopped = this.#stopAll((this.#pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
    if (!stopped) {
      await this.#writeStatus();
      return;
    }
    await this.#removeSandbox();
    this.#gone = true;
    await this.#writeStatus();
    const { namespace, name } = refOf(this.#pod);
    try {
      await this.#node.client.delete(
        pods,
        { namespace, name },
        { gracePeriodSeconds: 0, preconditions: { uid: this.uid } },
      );
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error;
    }
    await this.#forget();
    this.#done = true;
  }

  /** True when none runs any more. */
  #stopAll(graceMs: number): boolean {
    for (const action of stopActions(this.#views)) this.#stop(action, graceMs);
    return this.#containers.every(({ running }) => !running);
  }

  #stop({ container, after }: StopAction, graceMs: number): void {
    const turn = Promise.all(after.flatMap((name) => this.#container(name)?.ended ?? []));
    this.#container(container)?.stop(this.#pod, graceMs, { turn });
  }

  async #removeSandbox(what: 'all' | 'running' = 'all'): Promise<void> {
    this.#prepared?.supplies[Symbol.dispose]();
    this.#storage?.[Symbol.dispose]();
    this.#prepared = undefined;
    for (const container of this.#containers) container[Symbol.dispose]();
    for (const pool of this.#node.pools) pool.release(this.uid);
    await this.#node.runtime.removeSandbox(this.uid, what);
    this.#cleared.resolve();
  }

  async #forget(): Promise<void> {
    await rm(logDirectory(this.#node, refOf(this.#pod)), { recursive: true, force: true });
    this.#node.runtime.forget(this.uid);
  }

  /** Only what differs from the last time is written, and at once. */
  async #writeStatus(): Promise<void> {
    const status = this.#status();
    this.#conditions = status.conditions ?? [];
    this.#ended = status.phase === 'Succeeded' || status.phase === 'Failed';
    const text = JSON.stringify(status);
    if (text === this.#written) return;
    const { namespace, name, uid } = refOf(this.#pod);
    const body = { metadata: { uid }, status: { reason: null, message: null, ...status } };
    try {
      await this.#node.client.patch(pods, { namespace, name }, { kind: 'merge', body }, { subresource: 'status' });
      this.#written = text;
    } catch (error) {
      // It was deleted meanwhile; the watch tells us soon.
      if (isReason(error, 'NotFound', 'Conflict') || isAnotherObject(error)) return;
      if (!isReason(error, 'Invalid')) throw error;
      this.#written = text;
      this.#node.log.error('status refused', { pod: name, error: errorMessage(error) });
    }
  }

  #status(): PodStatus {
    const { clock, nodeAddresses } = this.#node;
    return podStatus({
      pod: this.#pod,
      containers: this.#views.map((view) => this.#shown(view)),
      hostIps: nodeAddresses,
      podIps: this.#podIps,
      sandboxReady: this.#prepared !== undefined,
      startTime: this.#startTime,
      phase: this.#phase,
      isGone: this.#gone,
      ...this.#reason,
      disruption: this.#disruption,
      ...(this.#phase === undefined ? { resize: this.#resize.conditions } : {}),
      decided: this.#conditions,
      now: clock.now(),
    });
  }

  /** A container that waits for its next run is shown as waiting, with its last end as the past. */
  #shown(view: ContainerView): ContainerView {
    const { state, retryAt } = view;
    const ends = this.#phase !== undefined || this.#pod.metadata.deletionTimestamp !== undefined;
    if (ends || state.kind !== 'terminated' || retryAt <= this.#node.clock.now()) return view;
    const actions = podActions({ restartPolicy: this.#restartPolicy, containers: this.#views, now: 0 });
    const again = actions.some((action) => action.kind === 'wait' && action.until === retryAt);
    if (!again) return view;
    const message = crashLoopMessage(view, this.#pod);
    return { ...view, state: { kind: 'waiting', reason: 'CrashLoopBackOff', message }, last: state };
  }

  #container(name: string): ContainerAgent | undefined {
    return this.#containers.find(({ spec }) => spec.name === name);
  }

  #graceMs(): number {
    if (this.#evicted) return EVICTION_GRACE_MS;
    return (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#node.events.record(this.#pod, type, reason, message);
  }
}

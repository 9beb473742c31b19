import { errorMessage } from '#base/errors.ts';
import { deepEqual } from '#api/equal.ts';
import type { Namespace, Node, PersistentVolumeClaim, Pod, PodDisruptionBudget } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { namespaces, nodes, podDisruptionBudgets, pods } from '#api/resource.ts';
import { isAnotherObject, isReason } from '#client/client.ts';
import type { Informer } from '#client/informer.ts';
import type { ControllerContext } from '../controller-context.ts';
import { isPodFinished, isTerminating } from '../pod-state.ts';
import { claimKeysOf, podsByClaim } from '../volume/pod-claims.ts';
import { type ClaimView, viewClaims, type VolumePlan } from './claims.ts';
import { ClusterLoads } from './cluster-loads.ts';
import { place, type Surroundings } from './cycle.ts';
import type { Candidate } from './node-load.ts';
import { PodWriter, SCHEDULER_NAME } from './pod-writer.ts';
import { planPreemption, priorityOf } from './preemption.ts';
import { hopelessMessage, type Refusal, unschedulableMessage } from './refusal.ts';
import { SchedulingQueue } from './scheduling-queue.ts';
import { VolumeBinder } from './volume-binder.ts';

/** Decisions before everybody else on this thread gets a turn. */
const IN_ONE_GO = 32;
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 10_000;
/** So long a decided Pod waits for its volumes. Upstream's bindTimeoutSeconds. */
const VOLUMES_MS = 600_000;

/** Gives each Pod a node. */
export function startScheduler(context: ControllerContext): void {
  new Scheduler(context).start();
}

/** A Pod whose node is decided and not yet written. */
interface Decision {
  readonly pod: Pod;
  readonly candidate: Candidate;
  readonly plan: VolumePlan;
  /** Runs while it waits for volumes. */
  deadline?: Disposable | undefined;
}

/**
 * Decisions are made one at a time, in one turn of the event loop each, against loads that already count what was decided
 * before; only the writing of them is waited for.
 */
class Scheduler {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #namespaces: Informer<Namespace>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #podsOfClaim: (claimKey: string) => readonly Pod[];
  readonly #volumes: VolumeBinder;
  readonly #writer: PodWriter;
  readonly #loads = new ClusterLoads();
  readonly #queue = new SchedulingQueue();
  /** Decided and not yet seen in the cache, by key. */
  readonly #decisions = new Map<string, Decision>();
  readonly #unschedulable = new Set<string>();
  /** For whom others are being pushed out at this moment. */
  readonly #preempting = new Set<string>();
  readonly #failures = new Map<string, number>();
  #running = false;
  #ready = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pods = context.informers.for(pods);
    this.#nodes = context.informers.for(nodes);
    this.#namespaces = context.informers.for(namespaces);
    this.#budgets = context.informers.for(podDisruptionBudgets);
    this.#podsOfClaim = podsByClaim(this.#pods);
    this.#volumes = new VolumeBinder(context);
    this.#writer = new PodWriter(context);
  }

  start(): void {
    const { claims, volumes, classes } = this.#volumes;
    this.#pods.on({
      added: (pod) => this.#podChanged(pod, undefined),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podGone(pod),
    });
    this.#nodes.on({
      added: () => this.#retry(),
      updated: (node, old) => {
        if (mayFitMore(node, old)) this.#retry();
      },
    });
    const claimChanged = (claim: PersistentVolumeClaim): void => this.#claimChanged(claim);
    claims.on({ added: claimChanged, updated: claimChanged, deleted: claimChanged });
    const supplyChanged = (): void => this.#retry((pod) => claimKeysOf(pod).length > 0);
    volumes.on({ added: supplyChanged, updated: supplyChanged });
    classes.on({ added: supplyChanged, updated: supplyChanged });
    const waitFor = [this.#pods, this.#nodes, this.#namespaces, this.#budgets, claims, volumes, classes];
    Promise.all(waitFor.map((informer) => informer.synced)).then(
      () => {
        this.#ready = true;
        this.#wake();
      },
      () => {},
    );
  }

  #claimChanged(claim: PersistentVolumeClaim): void {
    for (const pod of this.#podsOfClaim(objectKey(claim))) {
      const key = objectKey(pod);
      const decision = this.#decisions.get(key);
      if (decision?.deadline !== undefined) this.#resume(key, decision);
      else if (this.#unschedulable.has(key)) this.#enqueue(pod);
    }
  }

  #podChanged(pod: Pod, old: Pod | undefined): void {
    const key = objectKey(pod);
    const { nodeName = '' } = pod.spec;
    if (nodeName === '') {
      const { nominatedNodeName } = pod.status ?? {};
      if (nominatedNodeName !== undefined && old?.status?.nominatedNodeName !== nominatedNodeName) {
        this.#loads.nominate(pod, nominatedNodeName);
      }
      if (isWaiting(pod) && isNews(pod, old)) this.#enqueue(pod);
      return;
    }
    this.#settle(key);
    if (isPodFinished(pod)) return this.#release(pod, nodeName);
    this.#loads.of(nodeName).add(pod);
    const isSame = old !== undefined && old.spec.nodeName === nodeName;
    if (!isSame || !deepEqual(old.metadata.labels, pod.metadata.labels)) this.#retry(isSocial);
  }

  #podGone(pod: Pod): void {
    const key = objectKey(pod);
    const decided = this.#decisions.get(key);
    const nodeName = pod.spec.nodeName ?? decided?.candidate.node.metadata.name;
    if (decided !== undefined) this.#volumes.withdraw(decided.plan);
    const wasPromised = this.#loads.nominationOf(key) !== undefined;
    this.#settle(key);
    this.#queue.delete(key);
    this.#preempting.delete(key);
    this.#writer.forget(key);
    if (nodeName !== undefined) this.#release(pod, nodeName);
    // What was kept for it is for others again.
    else if (wasPromised) this.#retry();
    // Others of its claims may have waited for it.
    if (claimKeysOf(pod).length > 0) this.#retry((other) => claimKeysOf(other).length > 0);
  }

  /** Nothing is open about the Pod any more. */
  #settle(key: string): void {
    this.#decisions.get(key)?.deadline?.[Symbol.dispose]();
    this.#decisions.delete(key);
    this.#unschedulable.delete(key);
    this.#failures.delete(key);
    this.#loads.forget(key);
  }

  #release(pod: Pod, nodeName: string): void {
    if (this.#loads.release(pod, nodeName)) this.#retry();
  }

  /** Those that found no node look again. */
  #retry(concerns: (pod: Pod) => boolean = () => true): void {
    for (const key of this.#unschedulable) {
      const pod = this.#pods.get(key);
      if (pod !== undefined && concerns(pod)) this.#enqueue(pod);
    }
  }

  #enqueue(pod: Pod): void {
    this.#queue.add(objectKey(pod), priorityOf(pod));
    this.#wake();
  }

  #wake(): void {
    if (this.#running || !this.#ready) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#context;
    // What comes in one burst is decided in the order of priorities.
    do await new Promise((resolve) => setImmediate(resolve));
    while (!signal.aborted && this.#decideSome());
    this.#running = false;
  }

  /** True when there is more. */
  #decideSome(): boolean {
    for (let i = 0; i < IN_ONE_GO; i++) {
      const key = this.#queue.take();
      if (key === undefined) return false;
      try {
        this.#decide(key);
      } catch (error) {
        this.#fail(key, error);
      }
    }
    return this.#queue.size > 0;
  }

  #decide(key: string): void {
    const found = this.#pods.get(key);
    const isOpen = found !== undefined && (found.spec.nodeName ?? '') === '' && isWaiting(found);
    if (!isOpen || this.#decisions.has(key)) {
      this.#unschedulable.delete(key);
      return;
    }
    if (this.#preempting.has(key)) return;
    const pod = withNomination(found, this.#loads.nominationOf(key));
    const isUsed = (claimKey: string): boolean =>
      this.#podsOfClaim(claimKey).some((other) => other !== found && (other.spec.nodeName ?? '') !== '');
    const claims = viewClaims(pod, this.#volumes.world(isUsed));
    if (claims.hopeless !== undefined) {
      this.#write(key, this.#refuse(pod, hopelessMessage(claims.hopeless, this.#nodes.size)));
      return;
    }
    const around: Surroundings = {
      candidates: this.#loads.candidatesFor(pod, this.#nodes.list()),
      labelsOf: (namespace) => this.#namespaces.get(namespace)?.metadata.labels,
    };
    const { chosen, refusals } = place(pod, claims, around);
    if (chosen === undefined) this.#preempt(pod, claims, around, refusals);
    else this.#assume(pod, chosen, claims.plan(chosen.node));
  }

  #refuse(pod: Pod, message: string): Promise<void> {
    const key = objectKey(pod);
    this.#unschedulable.add(key);
    this.#loads.forget(key);
    return this.#writer.refuse(pod, message);
  }

  #preempt(pod: Pod, claims: ClaimView, around: Surroundings, refusals: readonly (Refusal | undefined)[]): void {
    const key = objectKey(pod);
    const known = refusals.filter((refusal) => refusal !== undefined);
    const preemption = planPreemption({ pod, claims, around, refusals, budgets: this.#budgets.list() });
    this.#unschedulable.add(key);
    if (preemption.kind === 'none') {
      const message = unschedulableMessage(known, preemption.message);
      if (preemption.waits !== true) return this.#write(key, this.#refuse(pod, message));
      return this.#write(key, this.#writer.refuse(pod, message, pod.status?.nominatedNodeName));
    }
    const nodeName = preemption.candidate.node.metadata.name;
    this.#loads.nominate(pod, nodeName);
    this.#preempting.add(key);
    const push = async (): Promise<void> => {
      try {
        await this.#writer.refuse(pod, unschedulableMessage(known), nodeName);
        for (const other of this.#loads.lesserNominations(pod, nodeName)) {
          this.#loads.forget(objectKey(other));
          await this.#writer.withdrawNomination(other);
          this.#enqueue(other);
        }
        await Promise.all(preemption.victims.map((victim) => this.#writer.pushOut(victim, pod, nodeName)));
      } finally {
        this.#preempting.delete(key);
        // What went away meanwhile was not looked at.
        this.#enqueue(pod);
      }
    };
    this.#write(key, push());
  }

  #assume(pod: Pod, chosen: Candidate, plan: VolumePlan): void {
    const key = objectKey(pod);
    const nodeName = chosen.node.metadata.name;
    // The candidate may have been a copy with promises in it.
    this.#loads.of(nodeName).add(pod);
    this.#volumes.promise(plan);
    const decision: Decision = { pod, candidate: chosen, plan };
    this.#unschedulable.delete(key);
    this.#decisions.set(key, decision);
    this.#write(key, this.#carryOut(key, decision));
  }

  async #carryOut(key: string, decision: Decision): Promise<void> {
    const { pod, candidate, plan } = decision;
    const nodeName = candidate.node.metadata.name;
    if (plan.bind.length + plan.provision.length === 0) return this.#writer.bind(pod, nodeName);
    await this.#volumes.carryOut(plan, nodeName);
    if (this.#decisions.get(key) !== decision) return;
    if (this.#volumes.isBound(pod)) return this.#writer.bind(pod, nodeName);
    decision.deadline = this.#context.clock.after(VOLUMES_MS, () => {
      this.#writer.tell(pod, 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded');
      this.#undo(key, decision);
      this.#enqueue(pod);
    });
  }

  /** A claim of a Pod that waits for its volumes has changed. */
  #resume(key: string, decision: Decision): void {
    const lost = claimKeysOf(decision.pod).some((claimKey) => {
      const claim = this.#volumes.claims.get(claimKey);
      return claim === undefined || isTerminating(claim);
    });
    if (!lost && !this.#volumes.isBound(decision.pod)) return;
    decision.deadline?.[Symbol.dispose]();
    decision.deadline = undefined;
    if (!lost) return this.#write(key, this.#writer.bind(decision.pod, decision.candidate.node.metadata.name));
    this.#undo(key, decision);
    this.#enqueue(decision.pod);
  }

  #undo(key: string, decision: Decision): void {
    if (this.#decisions.get(key) !== decision) return;
    this.#decisions.delete(key);
    this.#volumes.withdraw(decision.plan);
    this.#release(decision.pod, decision.candidate.node.metadata.name);
  }

  #write(key: string, work: Promise<void>): void {
    work.catch((error: unknown) => {
      const decision = this.#decisions.get(key);
      if (decision !== undefined) this.#undo(key, decision);
      if (!this.#context.signal.aborted) this.#fail(key, error);
    });
  }

  #fail(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    // Deleted, or written by somebody else, meanwhile: the next look sees it.
    const isStale = isReason(error, 'NotFound', 'Conflict') || isAnotherObject(error);
    const level = isStale && failures < 4 ? 'debug' : 'warn';
    this.#context.log[level]('scheduler: will try again', { key, failures, error: errorMessage(error) });
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
    this.#context.clock.after(delay, () => {
      const pod = this.#pods.get(key);
      if (pod !== undefined && !this.#context.signal.aborted) this.#enqueue(pod);
    });
  }
}

/** The cache may not show yet which node is being made free for the Pod. */
function withNomination(pod: Pod, nodeName: string | undefined): Pod {
  if (pod.status?.nominatedNodeName === nodeName) return pod;
  return { ...pod, status: { ...pod.status, nominatedNodeName: nodeName } };
}

function isWaiting(pod: Pod): boolean {
  const { schedulerName = SCHEDULER_NAME, schedulingGates = [] } = pod.spec;
  return schedulerName === SCHEDULER_NAME && schedulingGates.length === 0 && !isTerminating(pod) && !isPodFinished(pod);
}

/** A change of status is mostly our own; a Pod that waits can change in its gates, its tolerations and its labels. */
function isNews(pod: Pod, old: Pod | undefined): boolean {
  return old === undefined || !deepEqual(old.spec, pod.spec) || !deepEqual(old.metadata.labels, pod.metadata.labels);
}

/** Whether it matters to the Pod where others go, and what they are called. */
function isSocial({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return podAffinity !== undefined || podAntiAffinity !== undefined || spec.topologySpreadConstraints !== undefined;
}

/** Whether a Pod that did not fit may do so now. Heartbeats change neither. */
function mayFitMore(node: Node, old: Node): boolean {
  const ready = (found: Node): string | undefined =>
    found.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return (
    ready(node) !== ready(old) ||
    !deepEqual(node.spec, old.spec) ||
    !deepEqual(node.metadata.labels, old.metadata.labels) ||
    !deepEqual(node.status?.allocatable, old.status?.allocatable)
  );
}

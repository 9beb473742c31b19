import { rfc3339 } from '#base/clock.ts';
import { type WorkQueue } from '#base/work-queue.ts';
import { deepEqual } from '#api/equal.ts';
import {
  type Namespace,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
  type PodCondition,
} from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { namespaces, nodes, persistentVolumeClaims, pods, resourcePath } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { type EventRecorder } from '#client/events.ts';
import { type Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from './controller-context.ts';
import { isPodFinished, isTerminating, podCondition } from './pod-state.ts';
import { viewAffinity } from './scheduler-affinity.ts';
import { claimTrouble, mountsClaim } from './scheduler-claims.ts';
import { bestNode, hopelessMessage, unfitReasons, unschedulableMessage } from './scheduler-fit.ts';
import { type Candidate, demandOf, NodeLoad } from './scheduler-node.ts';
import { viewSpread } from './scheduler-spread.ts';
import { type NamespaceLabels } from './scheduler-topology.ts';

const SCHEDULER_NAME = 'default-scheduler';

/** Gives each Pod a node. */
export function startScheduler(context: ControllerContext): void {
  new Scheduler(context).start();
}

/**
 * Decisions are made one at a time, in one turn of the event loop each, against loads that already count what was decided
 * before; only the binding itself is waited for.
 */
class Scheduler {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #namespaces: Informer<Namespace>;
  readonly #recorder: EventRecorder;
  readonly #loads = new Map<string, NodeLoad>();
  /** Decided and not yet seen in the cache: key to node. */
  readonly #assumed = new Map<string, string>();
  readonly #unschedulable = new Set<string>();
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pods = context.informers.for(pods);
    this.#nodes = context.informers.for(nodes);
    this.#claims = context.informers.for(persistentVolumeClaims);
    this.#namespaces = context.informers.for(namespaces);
    this.#recorder = recorderFor(context, SCHEDULER_NAME);
    this.#queue = createControllerQueue(
      context,
      { name: 'scheduler', waitFor: [this.#pods, this.#nodes, this.#claims, this.#namespaces], concurrency: 32 },
      (key) => this.#schedule(key),
    );
  }

  start(): void {
    this.#pods.on({
      added: (pod) => this.#podChanged(pod, undefined),
      updated: (pod, old) => this.#podChanged(pod, old),
      deleted: (pod) => this.#podGone(pod),
    });
    this.#nodes.on({
      added: () => this.#retryAll(),
      updated: (node, old) => {
        if (mayFitMore(node, old)) this.#retryAll();
      },
    });
    const claimChanged = (claim: PersistentVolumeClaim): void => this.#claimChanged(claim);
    this.#claims.on({ added: claimChanged, updated: claimChanged, deleted: claimChanged });
  }

  #claimChanged(claim: PersistentVolumeClaim): void {
    for (const key of this.#unschedulable) {
      const pod = this.#pods.get(key);
      if (pod !== undefined && mountsClaim(pod, claim)) this.#queue.add(key);
    }
  }

  #podChanged(pod: Pod, old: Pod | undefined): void {
    const key = objectKey(pod);
    const { nodeName = '' } = pod.spec;
    if (nodeName === '') {
      // A change of status is mostly our own; the spec of a Pod that waits can change in its gates and tolerations.
      if (isWaiting(pod) && (old === undefined || !deepEqual(old.spec, pod.spec))) this.#queue.add(key);
      return;
    }
    this.#assumed.delete(key);
    this.#unschedulable.delete(key);
    if (isPodFinished(pod)) return this.#release(pod, nodeName);
    this.#loadOf(nodeName).add(pod);
    const isSame = old !== undefined && old.spec.nodeName === nodeName;
    if (!isSame || !deepEqual(old.metadata.labels, pod.metadata.labels)) this.#retrySocial();
  }

  #podGone(pod: Pod): void {
    const key = objectKey(pod);
    const nodeName = pod.spec.nodeName ?? this.#assumed.get(key);
    this.#assumed.delete(key);
    this.#unschedulable.delete(key);
    if (nodeName !== undefined) this.#release(pod, nodeName);
  }

  #release(pod: Pod, nodeName: string): void {
    const load = this.#loads.get(nodeName);
    const before = load?.pods;
    load?.remove(pod);
    if (load?.pods !== before) this.#retryAll();
  }

  /** Those of a higher priority first, as they may take what is free. */
  #retryAll(): void {
    const priorityOf = (key: string): number => this.#pods.get(key)?.spec.priority ?? 0;
    const keys = [...this.#unschedulable].sort((a, b) => priorityOf(b) - priorityOf(a));
    for (const key of keys) this.#queue.add(key);
  }

  /** Pods that wait for where others go. */
  #retrySocial(): void {
    for (const key of this.#unschedulable) {
      const spec = this.#pods.get(key)?.spec;
      const isSocial = spec?.affinity?.podAffinity !== undefined || spec?.topologySpreadConstraints !== undefined;
      if (isSocial) this.#queue.add(key);
    }
  }

  #loadOf(nodeName: string): NodeLoad {
    let load = this.#loads.get(nodeName);
    if (load === undefined) {
      load = new NodeLoad();
      this.#loads.set(nodeName, load);
    }
    return load;
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod === undefined || (pod.spec.nodeName ?? '') !== '' || !isWaiting(pod) || this.#assumed.has(key)) {
      this.#unschedulable.delete(key);
      return;
    }
    const trouble = claimTrouble(pod, (claimKey) => this.#claims.get(claimKey));
    if (trouble !== undefined) {
      this.#unschedulable.add(key);
      return this.#refuse(pod, hopelessMessage(trouble, this.#nodes.size));
    }
    const demand = demandOf(pod);
    const candidates = this.#nodes.list().map((node) => ({ node, load: this.#loadOf(node.metadata.name) }));
    const labelsOf: NamespaceLabels = (namespace) => this.#namespaces.get(namespace)?.metadata.labels;
    const affinity = viewAffinity(pod, candidates, labelsOf);
    const spread = viewSpread(pod, candidates);
    const reasons = candidates.map((candidate) => {
      const own = unfitReasons(pod, demand, candidate);
      if (own.length > 0) return own;
      const refusal = spread.refusal(candidate) ?? affinity.refusal(candidate);
      return refusal === undefined ? [] : [refusal];
    });
    const fitting = candidates.filter((_, i) => reasons[i]?.length === 0);
    const chosen = bestNode(pod, fitting, { affinity, spread });
    if (chosen === undefined) {
      this.#unschedulable.add(key);
      await this.#refuse(pod, unschedulableMessage(reasons));
      return;
    }
    this.#unschedulable.delete(key);
    await this.#bind(pod, chosen);
  }

  async #bind(pod: Pod, { node, load }: Candidate): Promise<void> {
    const key = objectKey(pod);
    const { namespace, name, uid } = pod.metadata;
    const nodeName = node.metadata.name;
    load.add(pod);
    this.#assumed.set(key, nodeName);
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    try {
      const path = resourcePath(pods, { namespace, name, subresource: 'binding' });
      await this.#context.client.raw({ method: 'POST', path, contentType: 'application/json', body });
    } catch (error) {
      if (this.#assumed.delete(key)) load.remove(pod);
      // Deleted, or bound by somebody else, meanwhile.
      if (isReason(error, 'NotFound', 'Conflict')) return;
      throw error;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    this.#recorder.record(pod, 'Normal', 'Scheduled', message);
  }

  async #refuse(pod: Pod, message: string): Promise<void> {
    this.#recorder.record(pod, 'Warning', 'FailedScheduling', message);
    const before = podCondition(pod, 'PodScheduled');
    if (before?.status === 'False' && before.message === message) return;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : rfc3339(this.#context.clock.now()),
    };
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [...others, condition] } };
    const { client } = this.#context;
    await ignoreNotFound(client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' }));
  }
}

function isWaiting(pod: Pod): boolean {
  const { schedulerName = SCHEDULER_NAME, schedulingGates = [] } = pod.spec;
  return schedulerName === SCHEDULER_NAME && schedulingGates.length === 0 && !isTerminating(pod) && !isPodFinished(pod);
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

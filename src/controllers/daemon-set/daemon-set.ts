import type { DaemonSet, Node, Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { daemonSets, nodes } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { REVISION_HASH } from '../revision/controller-revision.ts';
import { daemonFit, daemonPod, targetNode } from './daemon-set-pod.ts';
import { daemonSetStatus, type DaemonSetPlan, type DaemonSetState, planDaemonSet } from './daemon-set-plan.ts';
import { mergeDiff } from '../merge-diff.ts';
import { inGrowingBatches, OwnedPods } from '../owned-pods.ts';
import { nextAvailableIn } from '../pod-state.ts';
import { PodBackoff } from './pod-backoff.ts';
import { RevisionHistory } from '../revision/revision-history.ts';

/** Keeps one Pod of each DaemonSet on every node that it fits. */
export function startDaemonSetController(context: ControllerContext): void {
  new DaemonSetController(context).start();
}

class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<DaemonSet>;
  readonly #nodes: Informer<Node>;
  readonly #pods: OwnedPods<DaemonSet>;
  readonly #history: RevisionHistory;
  readonly #recorder: EventRecorder;
  readonly #backoff = new PodBackoff(1000, 900_000);

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.for(daemonSets);
    this.#nodes = context.informers.for(nodes);
    this.#history = new RevisionHistory(context);
    this.#recorder = recorderFor(context, 'daemonset-controller');
    this.#pods = new OwnedPods(context, {
      kind: 'DaemonSet',
      owners: this.#sets,
      selectorOf: ({ spec }) => spec.selector,
      recorder: this.#recorder,
    });
  }

  start(): void {
    const waitFor = [this.#sets, this.#nodes, this.#pods.informer, this.#history.informer];
    const queue = createControllerQueue(
      this.#context,
      { name: 'daemon-set', waitFor, concurrency: 8, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    this.#pods.watch((set) => queue.add(objectKey(set)));
    this.#sets.on({
      deleted: (set) => {
        this.#history.forget(set);
        this.#backoff.forget(set.metadata.uid);
      },
    });
    const all = (): void => {
      for (const set of this.#sets.list()) queue.add(objectKey(set));
    };
    this.#nodes.on({
      added: all,
      // Heartbeats change the status, which decides about nothing here.
      updated: (node, old) => {
        if (node.spec === old.spec && node.metadata.labels === old.metadata.labels) return;
        for (const set of this.#sets.list()) {
          const [now, before] = [daemonFit(set, node), daemonFit(set, old)];
          if (now.shouldRun !== before.shouldRun || now.mayStay !== before.mayStay) queue.add(objectKey(set));
        }
      },
      deleted: all,
    });
  }

  /** Ms until time alone changes something. */
  async #sync(key: string): Promise<number | undefined> {
    const set = this.#sets.get(key);
    if (set === undefined) return undefined;
    const now = this.#context.clock.now();
    const { selector, template, minReadySeconds = 0, revisionHistoryLimit = 10 } = set.spec;
    const owned = await this.#pods.claim(set);
    const { all, update, collisionCount } = await this.#history.bring(
      set,
      selector,
      template,
      set.status?.collisionCount,
    );
    const hash = update.metadata.labels?.[REVISION_HASH] ?? '';
    const backsOff = (node: string): boolean => this.#backoff.isWaiting(set.metadata.uid, node, now);
    const state: DaemonSetState = { set, nodes: this.#nodes.list(), pods: owned, hash, now, backsOff };
    try {
      await this.#act(state, planDaemonSet(state));
    } finally {
      await this.#writeStatus({ ...state, pods: this.#pods.current(set) }, collisionCount);
    }
    const used = new Set([hash, ...owned.map(({ metadata }) => metadata.labels?.[REVISION_HASH] ?? '')]);
    const names = all.filter(({ metadata }) => used.has(metadata.labels?.[REVISION_HASH] ?? ''));
    await this.#history.truncate(set, all, new Set(names.map(({ metadata }) => metadata.name)), revisionHistoryLimit);
    const waits = [nextAvailableIn(owned, minReadySeconds, now), this.#backoff.nextIn(set.metadata.uid, now)];
    const least = Math.min(...waits.map((wait) => wait ?? Infinity));
    return Number.isFinite(least) ? least : undefined;
  }

  async #act({ set, hash, now }: DaemonSetState, plan: DaemonSetPlan): Promise<void> {
    const deletions = plan.delete.map(async ({ pod, why }) => {
      if (why === 'failed' || why === 'succeeded') this.#tellEnded(set, pod, why);
      if (why === 'failed') this.#backoff.note(set.metadata.uid, targetNode(pod) ?? '', now);
      await this.#pods.delete(set, pod);
    });
    const creations = inGrowingBatches(plan.create, async (node) => {
      await this.#pods.create(set, daemonPod(set, hash, node));
    });
    for (const result of await Promise.allSettled([creations, ...deletions])) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  #tellEnded(set: DaemonSet, pod: Pod, why: 'failed' | 'succeeded'): void {
    const what = `Found ${why} daemon pod ${objectKey(pod)} on node ${pod.spec.nodeName}, will try to`;
    if (why === 'failed') this.#recorder.record(set, 'Warning', 'FailedDaemonPod', `${what} kill it`);
    else this.#recorder.record(set, 'Normal', 'SucceededDaemonPod', `${what} delete it`);
  }

  async #writeStatus(state: DaemonSetState, collisionCount: number | undefined): Promise<void> {
    const { set } = state;
    const status = mergeDiff(set.status ?? {}, daemonSetStatus(state, collisionCount));
    if (status === undefined) return;
    const body = { metadata: { uid: set.metadata.uid }, status };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    await ignoreNotFound(client.patch(daemonSets, set.metadata, { kind: 'merge', body }, options));
  }
}

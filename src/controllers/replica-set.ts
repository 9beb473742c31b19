import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { type Pod, type ReplicaSet } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { replicaSets } from '#api/resource.ts';
import { type Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from './controller-context.ts';
import { mergeDiff } from './merge-diff.ts';
import { inGrowingBatches, OwnedPods } from './owned-pods.ts';
import { isPodActive } from './pod-state.ts';
import { podFromTemplate } from './pod-template.ts';
import { nextAvailableIn, planReplicaSetStatus, planScaling, type ReplicaSetFailure } from './replica-set-plan.ts';

/** Keeps as many Pods as each ReplicaSet says. */
export function startReplicaSetController(context: ControllerContext): void {
  new ReplicaSetController(context).start();
}

class ReplicaSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: OwnedPods<ReplicaSet>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.for(replicaSets);
    this.#pods = new OwnedPods(context, {
      kind: 'ReplicaSet',
      owners: this.#sets,
      selectorOf: ({ spec }) => spec.selector,
      recorder: recorderFor(context, 'replicaset-controller'),
    });
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'replica-set', waitFor: [this.#sets, this.#pods.informer], concurrency: 16, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    this.#pods.watch((set) => queue.add(objectKey(set)));
  }

  /** Ms until it has to be looked at again, where time alone changes something. */
  async #sync(key: string): Promise<number | undefined> {
    const { clock } = this.#context;
    const set = this.#sets.get(key);
    if (set === undefined) return undefined;
    const active = await this.#pods.claim(set, isPodActive);
    const scaling = planScaling(set, active, active, clock.now());
    const { created, failure: createFailure } = await this.#create(set, scaling.create);
    const deleteFailure = await this.#delete(set, scaling.delete);
    const removed = new Set(scaling.delete);
    const left = [...active.filter((pod) => !removed.has(pod)), ...created];
    await this.#writeStatus(set, left, createFailure ?? deleteFailure);
    if (createFailure ?? deleteFailure) throw new Error((createFailure ?? deleteFailure)?.message);
    // More than one pass may be needed; the own view makes it safe not to wait for the watch.
    if (scaling.create > 0 && left.length < (set.spec.replicas ?? 1)) return 1;
    return nextAvailableIn(set, left, clock.now());
  }

  async #create(set: ReplicaSet, count: number): Promise<{ created: Pod[]; failure: ReplicaSetFailure | undefined }> {
    const created: Pod[] = [];
    const wanted = Array.from({ length: count }, () => podFromTemplate(set, set.spec.template));
    try {
      await inGrowingBatches(wanted, async (template) => {
        const pod = await this.#pods.create(set, template);
        if (pod !== undefined) created.push(pod);
      });
      return { created, failure: undefined };
    } catch (error) {
      return { created, failure: { reason: 'FailedCreate', message: errorMessage(error) } };
    }
  }

  async #delete(set: ReplicaSet, unwanted: readonly Pod[]): Promise<ReplicaSetFailure | undefined> {
    const results = await Promise.allSettled(unwanted.map((pod) => this.#pods.delete(set, pod)));
    const failed = results.find((result) => result.status === 'rejected');
    return failed === undefined ? undefined : { reason: 'FailedDelete', message: errorMessage(failed.reason) };
  }

  async #writeStatus(set: ReplicaSet, active: readonly Pod[], failure: ReplicaSetFailure | undefined): Promise<void> {
    const { client, clock } = this.#context;
    const now = clock.now();
    const status = planReplicaSetStatus(set, active, failure, { now, timestamp: rfc3339(now) });
    if (status === undefined) return;
    const body = { metadata: { uid: set.metadata.uid }, status: mergeDiff(set.status ?? {}, status) };
    await ignoreNotFound(client.patch(replicaSets, set.metadata, { kind: 'merge', body }, { subresource: 'status' }));
  }
}

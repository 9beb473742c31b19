import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Pod, ReplicaSet, ReplicationController } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, objectKey } from '#api/object.ts';
import { replicaSets, replicationControllers, type Resource } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { mergeDiff } from '../merge-diff.ts';
import { type OwnedIndex, ownedIndex } from '../owned-index.ts';
import { inGrowingBatches, OwnedPods } from '../owned-pods.ts';
import { isPodActive, nextAvailableIn } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';
import { planReplicaSetStatus, planScaling, type ReplicaSetFailure } from './replica-set-plan.ts';

/** Keeps as many Pods as each ReplicaSet says. */
export function startReplicaSetController(context: ControllerContext): void {
  const component = 'replicaset-controller';
  new ReplicaSetController(context, { resource: replicaSets, component, asSet: (set) => set }).start();
}

/** What ReplicaSets were before they had real selectors; in all else the same. */
export function startReplicationController(context: ControllerContext): void {
  const known = new WeakMap<ReplicationController, ReplicaSet>();
  const asSet = (controller: ReplicationController): ReplicaSet => {
    let set = known.get(controller);
    if (set === undefined) {
      const { selector: matchLabels, ...spec } = controller.spec;
      set = { ...controller, spec: { ...spec, selector: { matchLabels } } } as object as ReplicaSet;
      known.set(controller, set);
    }
    return set;
  };
  const component = 'replication-controller';
  new ReplicaSetController(context, { resource: replicationControllers, component, asSet }).start();
}

interface Flavour<O extends KubeObject> {
  readonly resource: Resource<O>;
  readonly component: string;
  readonly asSet: (owner: O) => ReplicaSet;
}

class ReplicaSetController<O extends KubeObject> {
  readonly #context: ControllerContext;
  readonly #flavour: Flavour<O>;
  readonly #sets: Informer<O>;
  readonly #siblings: OwnedIndex<O>;
  readonly #pods: OwnedPods<O>;

  constructor(context: ControllerContext, flavour: Flavour<O>) {
    this.#context = context;
    this.#flavour = flavour;
    this.#sets = context.informers.for(flavour.resource);
    this.#siblings = ownedIndex(this.#sets);
    this.#pods = new OwnedPods(context, {
      kind: flavour.resource.kind,
      owners: this.#sets,
      selectorOf: (owner) => flavour.asSet(owner).spec.selector,
      recorder: recorderFor(context, flavour.component),
    });
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: this.#flavour.component, waitFor: [this.#sets, this.#pods.informer], concurrency: 16, yields: true },
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
    const owner = this.#sets.get(key);
    if (owner === undefined) return undefined;
    const set = this.#flavour.asSet(owner);
    const active = await this.#pods.claim(owner, isPodActive);
    const scaling = planScaling(set, active, () => this.#related(owner, active), clock.now());
    const { created, failure: createFailure } = await this.#create(owner, scaling.create);
    const deleteFailure = await this.#delete(owner, scaling.delete);
    const removed = new Set(scaling.delete);
    const left = [...active.filter((pod) => !removed.has(pod)), ...created];
    await this.#writeStatus(set, left, createFailure ?? deleteFailure);
    if (createFailure ?? deleteFailure) throw new Error((createFailure ?? deleteFailure)?.message);
    // More than one pass may be needed; the own view makes it safe not to wait for the watch.
    if (scaling.create > 0 && left.length < (set.spec.replicas ?? 1)) return 1;
    return nextAvailableIn(left, set.spec.minReadySeconds ?? 0, clock.now());
  }

  /** The Pods of all sets that belong to the same owner: where old and new ones are, an old one goes first. */
  #related(owner: O, active: readonly Pod[]): readonly Pod[] {
    const { uid } = controllerOf(owner) ?? {};
    if (uid === undefined) return active;
    const others = this.#siblings.of(uid).filter(({ metadata }) => metadata.uid !== owner.metadata.uid);
    return [...active, ...others.flatMap((other) => this.#pods.current(other)).filter(isPodActive)];
  }

  async #create(owner: O, count: number): Promise<{ created: Pod[]; failure: ReplicaSetFailure | undefined }> {
    const created: Pod[] = [];
    const wanted = Array.from({ length: count }, () =>
      podFromTemplate(owner, this.#flavour.asSet(owner).spec.template),
    );
    try {
      await inGrowingBatches(wanted, async (template) => {
        const pod = await this.#pods.create(owner, template);
        if (pod !== undefined) created.push(pod);
      });
      return { created, failure: undefined };
    } catch (error) {
      return { created, failure: { reason: 'FailedCreate', message: errorMessage(error) } };
    }
  }

  async #delete(owner: O, unwanted: readonly Pod[]): Promise<ReplicaSetFailure | undefined> {
    const results = await Promise.allSettled(unwanted.map((pod) => this.#pods.delete(owner, pod)));
    const failed = results.find((result) => result.status === 'rejected');
    return failed === undefined ? undefined : { reason: 'FailedDelete', message: errorMessage(failed.reason) };
  }

  async #writeStatus(set: ReplicaSet, active: readonly Pod[], failure: ReplicaSetFailure | undefined): Promise<void> {
    const { client, clock } = this.#context;
    const now = clock.now();
    const status = planReplicaSetStatus(set, active, failure, { now, timestamp: rfc3339(now) });
    if (status === undefined) return;
    const body = { metadata: { uid: set.metadata.uid }, status: mergeDiff(set.status ?? {}, status) };
    await ignoreNotFound(
      client.patch(this.#flavour.resource, set.metadata, { kind: 'merge', body }, { subresource: 'status' }),
    );
  }
}

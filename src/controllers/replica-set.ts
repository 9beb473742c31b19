import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { type Pod, type ReplicaSet } from '#api/generated/types.ts';
import { controllerOf, objectKey } from '#api/object.ts';
import { pods, replicaSets } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { type EventRecorder } from '#client/events.ts';
import { type Informer } from '#client/informer.ts';
import { applyClaims, claim } from './claims.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from './controller-context.ts';
import { isEmptySelector, matchesSelector } from './selectors.ts';
import { mergeDiff } from './merge-diff.ts';
import { OwnWrites } from './own-writes.ts';
import { isPodActive } from './pod-state.ts';
import {
  nextAvailableIn,
  planReplicaSetStatus,
  planScaling,
  podFromTemplate,
  type ReplicaSetFailure,
} from './replica-set-plan.ts';

const PODS_BY_CONTROLLER = 'replica-set/controller';
const ORPHANS = 'replica-set/orphans';
const SETS_BY_NAMESPACE = 'replica-set/namespace';

/** Keeps as many Pods as each ReplicaSet says. */
export function startReplicaSetController(context: ControllerContext): void {
  const controller = new ReplicaSetController(context);
  controller.start();
}

class ReplicaSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #own: OwnWrites<Pod>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.for(replicaSets);
    this.#pods = context.informers.for(pods);
    this.#own = new OwnWrites(this.#pods);
    this.#recorder = recorderFor(context, 'replicaset-controller');
    this.#pods.addIndex(PODS_BY_CONTROLLER, (pod) => {
      const owner = controllerOf(pod);
      return owner === undefined ? [] : [owner.uid];
    });
    this.#pods.addIndex(ORPHANS, (pod) => (controllerOf(pod) === undefined ? [pod.metadata.namespace ?? ''] : []));
    this.#sets.addIndex(SETS_BY_NAMESPACE, (set) => [set.metadata.namespace ?? '']);
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'replica-set', waitFor: [this.#sets, this.#pods], concurrency: 16, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    const add = (set: ReplicaSet): void => queue.add(objectKey(set));
    this.#sets.on({ added: add, updated: add, deleted: (set) => this.#own.forget(set.metadata.uid) });
    const podChanged = (pod: Pod): void => {
      for (const set of this.#setsOf(pod)) add(set);
    };
    this.#pods.on({
      added: podChanged,
      updated: (pod, old) => {
        podChanged(pod);
        if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) podChanged(old);
      },
      deleted: podChanged,
    });
  }

  #setsOf(pod: Pod): readonly ReplicaSet[] {
    const { namespace = '', labels } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      const set = owner.kind === 'ReplicaSet' ? this.#sets.get(`${namespace}/${owner.name}`) : undefined;
      return set?.metadata.uid === owner.uid ? [set] : [];
    }
    const sets = this.#sets.byIndex(SETS_BY_NAMESPACE, namespace);
    return sets.filter(({ spec }) => !isEmptySelector(spec.selector) && matchesSelector(spec.selector, labels));
  }

  /** Ms until it has to be looked at again, where time alone changes something. */
  async #sync(key: string): Promise<number | undefined> {
    const { clock } = this.#context;
    const set = this.#sets.get(key);
    if (set === undefined) return undefined;
    const { uid, namespace = '' } = set.metadata;
    const candidates = [...this.#pods.byIndex(PODS_BY_CONTROLLER, uid), ...this.#pods.byIndex(ORPHANS, namespace)];
    const view = this.#own.view(uid, candidates).filter((pod) => isPodActive(pod));
    const claims = claim(set, set.spec.selector, view);
    const active = await applyClaims(this.#context.client, pods, set, claims, this.#own);
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

  /** One, then two, then four at a time: a template that is refused is refused once, not five hundred times. */
  async #create(set: ReplicaSet, count: number): Promise<{ created: Pod[]; failure: ReplicaSetFailure | undefined }> {
    const { client } = this.#context;
    const created: Pod[] = [];
    const result: { created: Pod[]; failure: ReplicaSetFailure | undefined } = { created, failure: undefined };
    const template = podFromTemplate(set);
    const one = async (): Promise<void> => {
      try {
        const pod = await client.create(pods, template);
        this.#own.wrote(set.metadata.uid, pod);
        this.#recorder.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
        created.push(pod);
      } catch (error) {
        if (isReason(error, 'Forbidden') && errorMessage(error).includes('being terminated')) return;
        result.failure = { reason: 'FailedCreate', message: errorMessage(error) };
        this.#recorder.record(set, 'Warning', 'FailedCreate', `Error creating: ${errorMessage(error)}`);
      }
    };
    for (let done = 0, size = 1; done < count && result.failure === undefined; done += size, size *= 2) {
      await Promise.all(Array.from({ length: Math.min(size, count - done) }, one));
    }
    return result;
  }

  async #delete(set: ReplicaSet, unwanted: readonly Pod[]): Promise<ReplicaSetFailure | undefined> {
    const { client } = this.#context;
    let failure: ReplicaSetFailure | undefined;
    await Promise.all(
      unwanted.map(async (pod) => {
        const { name, uid } = pod.metadata;
        try {
          await ignoreNotFound(client.delete(pods, pod.metadata, { preconditions: { uid } }));
          this.#own.deleted(set.metadata.uid, pod);
          this.#recorder.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        } catch (error) {
          failure = { reason: 'FailedDelete', message: errorMessage(error) };
          this.#recorder.record(set, 'Warning', 'FailedDelete', `Error deleting: ${errorMessage(error)}`);
        }
      }),
    );
    return failure;
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

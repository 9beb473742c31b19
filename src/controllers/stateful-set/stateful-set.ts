import { errorMessage } from '#base/errors.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '#api/generated/types.ts';
import { type NewObject, objectKey, type OwnerReference } from '#api/object.ts';
import { persistentVolumeClaims, pods, statefulSets } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { mergeDiff } from '../merge-diff.ts';
import { OwnedPods, type PodMessages } from '../owned-pods.ts';
import { OwnWrites } from '../own-writes.ts';
import { nextAvailableIn } from '../pod-state.ts';
import { RevisionHistory, type Revisions } from '../revision/revision-history.ts';
import { ordinalOf, podRevision, statefulClaims } from './stateful-set-identity.ts';
import { isCondemned, planStatefulSet, type StatefulSetAction, type StatefulSetState } from './stateful-set-plan.ts';
import { claimOwners } from './stateful-set-retention.ts';
import { statefulSetStatus } from './stateful-set-status.ts';

const MESSAGES: PodMessages<StatefulSet> = {
  created: ({ metadata }, pod) => `create Pod ${pod} in StatefulSet ${metadata.name} successful`,
  deleted: ({ metadata }, pod) => `delete Pod ${pod} in StatefulSet ${metadata.name} successful`,
  notCreated: ({ metadata }, pod, error) => `create Pod ${pod} in StatefulSet ${metadata.name} failed error: ${error}`,
  notDeleted: ({ metadata }, pod, error) => `delete Pod ${pod} in StatefulSet ${metadata.name} failed error: ${error}`,
};

/** Keeps the numbered Pods of each StatefulSet, and the claims that outlive them. */
export function startStatefulSetController(context: ControllerContext): void {
  new StatefulSetController(context).start();
}

class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #pods: OwnedPods<StatefulSet>;
  readonly #history: RevisionHistory;
  readonly #ownClaims: OwnWrites<PersistentVolumeClaim>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#sets = context.informers.for(statefulSets);
    this.#claims = context.informers.for(persistentVolumeClaims);
    this.#ownClaims = new OwnWrites(this.#claims);
    this.#history = new RevisionHistory(context);
    this.#recorder = recorderFor(context, 'statefulset-controller');
    this.#pods = new OwnedPods(context, {
      kind: 'StatefulSet',
      owners: this.#sets,
      selectorOf: ({ spec }) => spec.selector,
      recorder: this.#recorder,
      messages: MESSAGES,
    });
  }

  start(): void {
    const waitFor = [this.#sets, this.#pods.informer, this.#claims, this.#history.informer];
    const queue = createControllerQueue(
      this.#context,
      { name: 'stateful-set', waitFor, concurrency: 16, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    this.#pods.watch((set) => queue.add(objectKey(set)));
    this.#sets.on({
      deleted: (set) => {
        this.#history.forget(set);
        this.#ownClaims.forget(set.metadata.uid);
      },
    });
    // A claim that is deleted lets a Pod that waits for its going be made.
    this.#claims.on({
      deleted: ({ metadata }) => {
        for (const set of this.#sets.list()) {
          if (set.metadata.namespace === metadata.namespace && (set.spec.volumeClaimTemplates ?? []).length > 0) {
            queue.add(objectKey(set));
          }
        }
      },
    });
  }

  /** Ms until time alone changes something. */
  async #sync(key: string): Promise<number | undefined> {
    const set = this.#sets.get(key);
    if (set === undefined) return undefined;
    const { selector, template, minReadySeconds = 0, revisionHistoryLimit = 10 } = set.spec;
    const owned = await this.#pods.claim(set, (pod) => ordinalOf(set, pod) >= 0);
    const revisions = await this.#history.bring(set, selector, template, set.status?.collisionCount);
    const current = revisions.all.find(({ metadata }) => metadata.name === set.status?.currentRevision);
    const state: StatefulSetState = {
      set,
      pods: owned,
      current: current ?? revisions.update,
      update: revisions.update,
      claimOf: (name) => this.#ownClaims.get(set.metadata.uid, `${set.metadata.namespace}/${name}`),
      now: this.#context.clock.now(),
    };
    try {
      await this.#entrustClaims(state);
      await this.#act(state, planStatefulSet(state));
    } finally {
      await this.#writeStatus({ ...state, pods: this.#pods.current(set) }, revisions);
    }
    const used = [
      state.current.metadata.name,
      state.update.metadata.name,
      ...owned.map((pod) => podRevision(pod) ?? ''),
    ];
    await this.#history.truncate(set, revisions.all, new Set(used), revisionHistoryLimit);
    return nextAvailableIn(owned, minReadySeconds, state.now);
  }

  async #entrustClaims(state: StatefulSetState): Promise<void> {
    for (const pod of state.pods) {
      const isChanged = await this.#entrustClaimsOf(state, pod);
      if (isChanged && !isCondemned(state.set, ordinalOf(state.set, pod))) this.#tellUpdated(state.set, pod);
    }
  }

  /** True where somebody else owned them. */
  async #entrustClaimsOf({ set, claimOf }: StatefulSetState, pod: Pod): Promise<boolean> {
    const ordinal = ordinalOf(set, pod);
    const changes = statefulClaims(set, ordinal).flatMap(({ metadata }) => {
      const claim = claimOf(metadata.name ?? '');
      const owners = claim === undefined ? undefined : claimOwners(set, pod, claim, isCondemned(set, ordinal));
      return claim === undefined || owners === undefined ? [] : [{ claim, owners }];
    });
    for (const { claim, owners } of changes) await this.#entrust(set, claim, owners);
    return changes.length > 0;
  }

  async #entrust(
    set: StatefulSet,
    { metadata }: PersistentVolumeClaim,
    ownerReferences: readonly OwnerReference[],
  ): Promise<void> {
    const body = { metadata: { resourceVersion: metadata.resourceVersion, ownerReferences } };
    const written = await this.#context.client.patch(persistentVolumeClaims, metadata, { kind: 'merge', body });
    this.#ownClaims.wrote(set.metadata.uid, written);
  }

  async #act(state: StatefulSetState, actions: readonly StatefulSetAction[]): Promise<void> {
    const results = await Promise.allSettled(actions.map((action) => this.#actOne(state, action)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #actOne(state: StatefulSetState, action: StatefulSetAction): Promise<void> {
    const { set } = state;
    switch (action.kind) {
      case 'create':
        await this.#createClaims(set, action.pod.metadata.name ?? '', action.claims);
        return this.#create(state, action.pod);
      case 'claim':
        return this.#createClaims(set, action.name, action.claims);
      case 'label': {
        const { uid } = action.pod.metadata;
        const body = { metadata: { uid, labels: action.labels } };
        const patch = this.#context.client.patch(pods, action.pod.metadata, { kind: 'merge', body });
        const patched = await ignoreNotFound(patch);
        if (patched === undefined) return;
        this.#pods.wrote(set, patched);
        this.#tellUpdated(set, action.pod);
        return;
      }
      case 'delete':
        return this.#pods.delete(set, action.pod);
    }
  }

  async #create(state: StatefulSetState, wanted: NewObject<Pod>): Promise<void> {
    const pod = await this.#pods.create(state.set, wanted);
    if (pod !== undefined) await this.#entrustClaimsOf(state, pod);
  }

  #tellUpdated(set: StatefulSet, pod: Pod): void {
    const message = `update Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    this.#recorder.record(set, 'Normal', 'SuccessfulUpdate', message);
  }

  async #createClaims(
    set: StatefulSet,
    pod: string,
    claims: readonly NewObject<PersistentVolumeClaim>[],
  ): Promise<void> {
    const { client } = this.#context;
    for (const claim of claims) {
      const what = `create Claim ${claim.metadata.name} Pod ${pod} in StatefulSet ${set.metadata.name}`;
      try {
        this.#ownClaims.wrote(set.metadata.uid, await client.create(persistentVolumeClaims, claim));
        this.#recorder.record(set, 'Normal', 'SuccessfulCreate', `${what} success`);
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) continue;
        this.#recorder.record(set, 'Warning', 'FailedCreate', `${what} failed error: ${errorMessage(error)}`);
        throw error;
      }
    }
  }

  async #writeStatus(state: StatefulSetState, { collisionCount }: Revisions): Promise<void> {
    const { set } = state;
    const status = mergeDiff(set.status ?? {}, statefulSetStatus(state, collisionCount));
    if (status === undefined) return;
    const body = { metadata: { uid: set.metadata.uid }, status };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    await ignoreNotFound(client.patch(statefulSets, set.metadata, { kind: 'merge', body }, options));
  }
}

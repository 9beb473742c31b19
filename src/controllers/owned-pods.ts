import { errorMessage } from '#base/errors.ts';
import type { LabelSelector, Pod } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, type NewObject } from '#api/object.ts';
import { pods } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { applyClaims, claim } from './claims.ts';
import { type ControllerContext, ignoreNotFound } from './controller-context.ts';
import { type OwnedIndex, ownedIndex } from './owned-index.ts';
import { OwnWrites } from './own-writes.ts';
import { isTerminating } from './pod-state.ts';
import { isEmptySelector, matchesSelector } from '#api/selectors.ts';

const OWNERS_BY_NAMESPACE = 'owned-pods/namespace';

export interface OwnedPodsOptions<O extends KubeObject> {
  readonly kind: string;
  readonly owners: Informer<O>;
  readonly selectorOf: (owner: O) => LabelSelector;
  readonly recorder: EventRecorder;
  /** What Pods have as long as they belong to an owner; `create` leaves it to the owner. @default none */
  readonly finalizer?: string;
  /** What events say. @default as ReplicaSets do */
  readonly messages?: PodMessages<O> | undefined;
}

export interface PodMessages<O extends KubeObject> {
  readonly created: (owner: O, pod: string) => string;
  readonly deleted: (owner: O, pod: string) => string;
  readonly notCreated: (owner: O, pod: string, error: string) => string;
  readonly notDeleted: (owner: O, pod: string, error: string) => string;
}

const MESSAGES: PodMessages<KubeObject> = {
  created: (_, pod) => `Created pod: ${pod}`,
  deleted: (_, pod) => `Deleted pod: ${pod}`,
  notCreated: (_, _pod, error) => `Error creating: ${error}`,
  notDeleted: (_, _pod, error) => `Error deleting: ${error}`,
};

/** The Pods of one kind of owner: which belong to whom, seen through the controller's own writes, and the writes. */
export class OwnedPods<O extends KubeObject> {
  readonly informer: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #options: OwnedPodsOptions<O>;
  readonly #own: OwnWrites<Pod>;
  readonly #owned: OwnedIndex<Pod>;

  constructor(context: ControllerContext, options: OwnedPodsOptions<O>) {
    this.#context = context;
    this.#options = options;
    this.informer = context.informers.for(pods);
    this.#own = new OwnWrites(this.informer);
    this.#owned = ownedIndex(this.informer);
    options.owners.addIndex(OWNERS_BY_NAMESPACE, (owner) => [owner.metadata.namespace ?? '']);
  }

  /** Calls `changed` with each owner whose Pods are other ones now, and with the owners that come and change. */
  watch(changed: (owner: O) => void): void {
    const deleted = (owner: O): void => this.#own.forget(owner.metadata.uid);
    this.#options.owners.on({ added: changed, updated: changed, deleted });
    const podChanged = (pod: Pod): void => this.#ownersOf(pod).forEach(changed);
    this.informer.on({
      added: podChanged,
      updated: (pod, old) => {
        podChanged(pod);
        if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) podChanged(old);
      },
      deleted: podChanged,
    });
  }

  #ownersOf(pod: Pod): readonly O[] {
    const { kind, owners, selectorOf } = this.#options;
    const { namespace = '', labels } = pod.metadata;
    const reference = controllerOf(pod);
    if (reference !== undefined) {
      const owner = reference.kind === kind ? owners.get(`${namespace}/${reference.name}`) : undefined;
      return owner?.metadata.uid === reference.uid ? [owner] : [];
    }
    return owners.byIndex(OWNERS_BY_NAMESPACE, namespace).filter((owner) => {
      const selector = selectorOf(owner);
      return !isEmptySelector(selector) && matchesSelector(selector, labels);
    });
  }

  /** The Pods of the owner, after adopting and releasing what its selector says. */
  async claim(owner: O, isCandidate: (pod: Pod) => boolean = () => true): Promise<readonly Pod[]> {
    const view = this.#own.view(owner.metadata.uid, this.#owned.candidates(owner));
    const { selectorOf, finalizer } = this.#options;
    const claims = claim(owner, selectorOf(owner), view.filter(isCandidate));
    return applyClaims(this.#context.client, pods, owner, claims, this.#own, finalizer);
  }

  /** Those that the owner has as of now, its last writes included. */
  current(owner: O): readonly Pod[] {
    const { uid } = owner.metadata;
    return this.#own.view(uid, this.#owned.of(uid)).filter((pod) => controllerOf(pod)?.uid === uid);
  }

  /** Undefined where the namespace is on its way out. */
  async create(owner: O, pod: NewObject<Pod>): Promise<Pod | undefined> {
    const { recorder, messages = MESSAGES } = this.#options;
    try {
      const created = await this.#context.client.create(pods, pod);
      this.#own.wrote(owner.metadata.uid, created);
      recorder.record(owner, 'Normal', 'SuccessfulCreate', messages.created(owner, created.metadata.name));
      return created;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      recorder.record(
        owner,
        'Warning',
        'FailedCreate',
        messages.notCreated(owner, pod.metadata.name ?? '', errorMessage(error)),
      );
      throw error;
    }
  }

  async delete(owner: O, pod: Pod): Promise<void> {
    const { recorder, messages = MESSAGES } = this.#options;
    const { name, uid } = pod.metadata;
    try {
      await this.remove(owner, pod);
      recorder.record(owner, 'Normal', 'SuccessfulDelete', messages.deleted(owner, name));
    } catch (error) {
      if (isReason(error, 'Conflict') && this.informer.get(`${pod.metadata.namespace}/${name}`)?.metadata.uid !== uid)
        return;
      recorder.record(owner, 'Warning', 'FailedDelete', messages.notDeleted(owner, name, errorMessage(error)));
      throw error;
    }
  }

  /** `delete` without a word about it. */
  async remove(owner: O, pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    const left = await ignoreNotFound(this.#context.client.delete(pods, pod.metadata, { preconditions: { uid } }));
    const lives = left !== undefined && 'spec' in left && isTerminating(left) && !isFree(left);
    if (lives) this.#own.wrote(owner.metadata.uid, left);
    else this.#own.deleted(owner.metadata.uid, pod);
  }

  wrote(owner: O, pod: Pod): void {
    this.#own.wrote(owner.metadata.uid, pod);
  }
}

/** Nothing keeps it in the store: neither its grace period nor a finalizer. */
function isFree({ metadata }: Pod): boolean {
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0 && (metadata.finalizers ?? []).length === 0;
}

export function isNamespaceTerminating(error: unknown): boolean {
  return isReason(error, 'Forbidden') && errorMessage(error).includes('being terminated');
}

/**
 * One, then two, then four at a time: what is refused is refused once, not five hundred times. A batch is finished
 * before its first failure is thrown.
 */
export async function inGrowingBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let done = 0, size = 1; done < items.length; done += size, size *= 2) {
    const results = await Promise.allSettled(items.slice(done, done + size).map(work));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

import { deepEqual } from '#api/equal.ts';
import type { ControllerRevision, LabelSelector, PodTemplateSpec } from '#api/generated/types.ts';
import { controllerOf, type KubeObject } from '#api/object.ts';
import { controllerRevisions } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { Informer } from '#client/informer.ts';
import { applyClaims, claim } from '../claims.ts';
import { type ControllerContext, ignoreNotFound } from '../controller-context.ts';
import { planRevision, type RevisionStep, staleRevisions } from './controller-revision.ts';
import { type OwnedIndex, ownedIndex } from '../owned-index.ts';
import { OwnWrites } from '../own-writes.ts';

export interface Revisions {
  readonly all: readonly ControllerRevision[];
  /** That of the owner's present template. */
  readonly update: ControllerRevision;
  readonly collisionCount: number | undefined;
}

/** The templates that an owner had, as ControllerRevisions. */
export class RevisionHistory {
  readonly informer: Informer<ControllerRevision>;
  readonly #context: ControllerContext;
  readonly #own: OwnWrites<ControllerRevision>;
  readonly #owned: OwnedIndex<ControllerRevision>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.informer = context.informers.for(controllerRevisions);
    this.#own = new OwnWrites(this.informer);
    this.#owned = ownedIndex(this.informer);
  }

  /** Makes the template the latest revision where it is not yet. */
  async bring(
    owner: KubeObject,
    selector: LabelSelector,
    template: PodTemplateSpec,
    collisionCount: number | undefined,
  ): Promise<Revisions> {
    const { uid } = owner.metadata;
    const candidates = this.#own.view(uid, this.#owned.candidates(owner));
    const claims = claim(owner, selector, candidates);
    const all = await applyClaims(this.#context.client, controllerRevisions, owner, claims, this.#own);
    for (let collisions = collisionCount; ; collisions = (collisions ?? 0) + 1) {
      const update = await this.#take(owner, planRevision(owner, template, all, collisions));
      if (update === undefined) continue;
      const others = all.filter(({ metadata }) => metadata.uid !== update.metadata.uid);
      return { all: [...others, update], update, collisionCount: collisions };
    }
  }

  /** Undefined when another template has the name already. */
  async #take(owner: KubeObject, step: RevisionStep): Promise<ControllerRevision | undefined> {
    const { client } = this.#context;
    const note = (revision: ControllerRevision): ControllerRevision => {
      this.#own.wrote(owner.metadata.uid, revision);
      return revision;
    };
    switch (step.kind) {
      case 'keep':
        return step.revision;
      case 'raise': {
        const body = { metadata: { uid: step.revision.metadata.uid }, revision: step.to };
        return note(await client.patch(controllerRevisions, step.revision.metadata, { kind: 'merge', body }));
      }
      case 'create':
        try {
          return note(await client.create(controllerRevisions, step.object));
        } catch (error) {
          if (!isReason(error, 'AlreadyExists')) throw error;
          const { name = '', namespace } = step.object.metadata;
          const existing = await client.get(controllerRevisions, { name, namespace });
          const ours = controllerOf(existing)?.uid === owner.metadata.uid;
          return ours && deepEqual(existing.data, step.object.data) ? note(existing) : undefined;
        }
    }
  }

  /** Deletes revisions that neither Pods nor a rollout need, beyond the limit. */
  async truncate(
    owner: KubeObject,
    all: readonly ControllerRevision[],
    used: ReadonlySet<string>,
    limit: number,
  ): Promise<void> {
    for (const revision of staleRevisions(all, used, limit)) {
      await ignoreNotFound(this.#context.client.delete(controllerRevisions, revision.metadata));
      this.#own.deleted(owner.metadata.uid, revision);
    }
  }

  forget(owner: KubeObject): void {
    this.#own.forget(owner.metadata.uid);
  }
}

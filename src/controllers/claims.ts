import type { LabelSelector } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, type OwnerReference } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import type { Client } from '#client/client.ts';
import { ignoreNotFound } from './controller-context.ts';
import { isEmptySelector, matchesSelector } from '#api/selectors.ts';
import type { OwnWrites } from './own-writes.ts';
import { isTerminating } from './pod-state.ts';

export interface Claims<T extends KubeObject> {
  readonly owned: readonly T[];
  /** Match the selector and have no controller. */
  readonly adopt: readonly T[];
  /** Belong to the owner and no longer match. */
  readonly release: readonly T[];
}

/** Which of the candidates belong to an owner that selects by labels. An owner on its way out takes and gives nothing. */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
): Claims<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const leaving = isTerminating(owner);
  for (const object of candidates) {
    const matches = !isEmptySelector(selector) && matchesSelector(selector, object.metadata.labels);
    const controller = controllerOf(object);
    if (controller?.uid === owner.metadata.uid) (matches || leaving ? owned : release).push(object);
    else if (controller === undefined && matches && !leaving && !isTerminating(object)) adopt.push(object);
  }
  return { owned, adopt, release };
}

export function controllerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Writes what `claim` found; returns all that is now owned. What is owned has the finalizer, where one is given. */
export async function applyClaims<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  owner: KubeObject,
  claims: Claims<T>,
  own: OwnWrites<T>,
  finalizer?: string,
): Promise<readonly T[]> {
  const patchOwners = async (object: T, ownerReferences: readonly OwnerReference[]): Promise<T | undefined> => {
    const { uid, resourceVersion, finalizers = [] } = object.metadata;
    const others = finalizers.filter((name) => name !== finalizer);
    const isOwned = ownerReferences.some((reference) => reference.uid === owner.metadata.uid);
    const wanted = isOwned && finalizer !== undefined ? [...others, finalizer] : others;
    const held = finalizer === undefined ? {} : { resourceVersion, finalizers: wanted.length === 0 ? null : wanted };
    // With the uid it fails when the name has gone to another object meanwhile.
    const body = { metadata: { uid, ownerReferences, ...held } };
    const patched = await ignoreNotFound(client.patch(resource, object.metadata, { kind: 'merge', body }));
    if (patched !== undefined) own.wrote(owner.metadata.uid, patched);
    return patched;
  };
  const ownersOf = (object: T): readonly OwnerReference[] => object.metadata.ownerReferences ?? [];
  const [adopted] = await Promise.all([
    Promise.all(claims.adopt.map((object) => patchOwners(object, [...ownersOf(object), controllerReference(owner)]))),
    Promise.all(
      claims.release.map((object) =>
        patchOwners(
          object,
          ownersOf(object).filter(({ uid }) => uid !== owner.metadata.uid),
        ),
      ),
    ),
  ]);
  return [...claims.owned, ...adopted.filter((object) => object !== undefined)];
}

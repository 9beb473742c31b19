import { deepEqual } from '#api/equal.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '#api/generated/types.ts';
import type { OwnerReference } from '#api/object.ts';
import { controllerReference } from '../claims.ts';

/**
 * Who owns a claim, as the retention policy has it, or undefined when it is so already: the garbage collector then
 * deletes the claim with the set or with the Pod that was scaled away. Models updateClaimOwnerRefForSetAndPod of v1.34.
 */
export function claimOwners(
  set: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
  isCondemned: boolean,
): readonly OwnerReference[] | undefined {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const before = claim.metadata.ownerReferences ?? [];
  const ours = new Set([set.metadata.uid, pod.metadata.uid]);
  const others = before.filter(({ uid }) => !ours.has(uid));
  // Somebody else decides about it.
  if (others.some(({ controller }) => controller === true)) return undefined;
  const owned = { set: whenDeleted === 'Delete', pod: whenScaled === 'Delete' && isCondemned };
  if (owned.pod) owned.set = false;
  const next = [
    ...others,
    ...(owned.set ? [controllerReference(set)] : []),
    ...(owned.pod ? [controllerReference(pod)] : []),
  ];
  return deepEqual(before, next) ? undefined : next;
}

import type { PersistentVolume, PersistentVolumeClaim } from '#api/generated/types.ts';
import { deepEqual } from '#api/equal.ts';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, isMeantFor, sizeOfVolume } from './volume-match.ts';

type Body = Readonly<Record<string, unknown>>;

/**
 * Sets the volume aside for the claim; undefined when it is. With the version, as controller, scheduler and users may
 * all want it for somebody.
 */
export function claimRefPatch(volume: PersistentVolume, claim: PersistentVolumeClaim): Body | undefined {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  if (volume.spec.claimRef?.uid === uid) return undefined;
  return {
    metadata: {
      resourceVersion: volume.metadata.resourceVersion,
      ...(isMeantFor(volume, claim) ? {} : { annotations: { [BOUND_BY_CONTROLLER]: 'yes' } }),
    },
    spec: { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion } },
  };
}

/** Takes back what `claimRefPatch` did; what a user had set aside stays so. */
export function unbindPatch(volume: PersistentVolume, entirely: boolean): Body {
  const { resourceVersion } = volume.metadata;
  if (entirely) {
    return { metadata: { resourceVersion, annotations: { [BOUND_BY_CONTROLLER]: null } }, spec: { claimRef: null } };
  }
  return { metadata: { resourceVersion }, spec: { claimRef: { uid: null, resourceVersion: null } } };
}

/** Names the volume in the claim; undefined when it does. */
export function volumeNamePatch(claim: PersistentVolumeClaim, volume: PersistentVolume): Body | undefined {
  const { annotations, resourceVersion } = claim.metadata;
  const named = claim.spec.volumeName === volume.metadata.name;
  if (named && annotations?.[BIND_COMPLETED] !== undefined) return undefined;
  return {
    metadata: {
      resourceVersion,
      annotations: { [BIND_COMPLETED]: 'yes', ...(named ? {} : { [BOUND_BY_CONTROLLER]: 'yes' }) },
    },
    spec: { volumeName: volume.metadata.name },
  };
}

/** The status of a bound claim. Its capacity is taken over once: later it may lag behind that of a growing volume. */
export function boundStatusPatch(claim: PersistentVolumeClaim, volume: PersistentVolume): Body | undefined {
  const { phase, accessModes } = claim.status ?? {};
  if (phase === 'Bound' && deepEqual(accessModes, volume.spec.accessModes)) return undefined;
  const capacity = phase === 'Bound' ? {} : { capacity: { storage: sizeOfVolume(volume) } };
  return { status: { phase: 'Bound', accessModes: volume.spec.accessModes, ...capacity } };
}

/** The status of a claim that has no volume. */
export function unboundStatusPatch(claim: PersistentVolumeClaim, phase: 'Pending' | 'Lost'): Body | undefined {
  const { status } = claim;
  if (status?.phase === phase && status.accessModes === undefined && status.capacity === undefined) return undefined;
  return { status: { phase, accessModes: null, capacity: null } };
}

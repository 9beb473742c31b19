import type { PersistentVolume, PersistentVolumeClaim } from '#api/generated/types.ts';
import { BOUND_BY_CONTROLLER, PROVISIONED_BY } from './volume-match.ts';

export type VolumeStep =
  | { readonly kind: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** Its claim is gone; what becomes of it is for its policy to say. */
  | { readonly kind: 'release' }
  /** It was to be had by a claim that got another. `entirely`: nobody but us had set it aside. */
  | { readonly kind: 'unbind'; readonly entirely: boolean }
  /** The claim's turn. */
  | { readonly kind: 'claim' };

/** `claim` is the one of the volume's claimRef, if it is still that one. Models syncVolume of v1.34. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef } = volume.spec;
  if (claimRef === undefined || (claimRef.uid ?? '') === '') return { kind: 'phase', phase: 'Available' };
  if (claim?.metadata.uid !== claimRef.uid) return { kind: 'release' };
  const { volumeName = '' } = claim?.spec ?? {};
  if (volumeName === '') return { kind: 'claim' };
  if (volumeName === volume.metadata.name) return { kind: 'phase', phase: 'Bound' };
  const { annotations } = volume.metadata;
  const deletes = volume.spec.persistentVolumeReclaimPolicy === 'Delete';
  if (deletes && annotations?.[PROVISIONED_BY] !== undefined) return { kind: 'release' };
  return { kind: 'unbind', entirely: annotations?.[BOUND_BY_CONTROLLER] !== undefined };
}

export interface Reclaim {
  readonly phase: 'Released' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** What there is to say about a released volume beyond that; undefined when its policy is carried out, or nothing to do. */
export function reclaimTrouble(volume: PersistentVolume): Reclaim | undefined {
  const { name, annotations } = volume.metadata;
  switch (volume.spec.persistentVolumeReclaimPolicy ?? 'Retain') {
    case 'Retain':
      return undefined;
    case 'Delete': {
      if (annotations?.[PROVISIONED_BY] !== undefined) return undefined;
      const message = `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`;
      return { phase: 'Failed', reason: 'VolumeFailedDelete', message };
    }
    case 'Recycle':
      return { phase: 'Failed', reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' };
    default: {
      const message = 'Volume has unrecognized PersistentVolumeReclaimPolicy';
      return { phase: 'Failed', reason: 'VolumeUnknownReclaimPolicy', message };
    }
  }
}

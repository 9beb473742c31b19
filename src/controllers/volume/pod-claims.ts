import type { PersistentVolumeClaim, Pod, Volume } from '#api/generated/types.ts';
import { controllerOf } from '#api/object.ts';
import type { Informer } from '#client/informer.ts';

export const PODS_BY_CLAIM = 'pods/claim';

/** The claim that a volume of the Pod stands for, by name; an ephemeral volume's is named after the Pod. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/** Keys of the claims that a Pod mounts. */
export function claimKeysOf(pod: Pod): readonly string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const name = claimNameOf(pod, volume);
    return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`];
  });
}

/** Whether the claim was made for this very Pod. */
export function isClaimOf(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return controllerOf(claim)?.uid === pod.metadata.uid;
}

/** Indexes Pods by the claims that they mount. */
export function podsByClaim(informer: Informer<Pod>): (claimKey: string) => readonly Pod[] {
  informer.addIndex(PODS_BY_CLAIM, claimKeysOf);
  return (key) => informer.byIndex(PODS_BY_CLAIM, key);
}

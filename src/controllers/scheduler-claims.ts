import { type PersistentVolumeClaim, type Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { isTerminating } from './pod-state.ts';

/** The keys of the claims that a Pod mounts; an ephemeral volume's claim is named after the Pod. */
export function claimKeysOf(pod: Pod): readonly string[] {
  const { namespace, name } = pod.metadata;
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [`${namespace}/${volume.persistentVolumeClaim.claimName}`];
    return volume.ephemeral === undefined ? [] : [`${namespace}/${name}-${volume.name}`];
  });
}

/** Why no node at all will do, in upstream's words; undefined when all claims are bound. */
export function claimTrouble(
  pod: Pod,
  claimOf: (key: string) => PersistentVolumeClaim | undefined,
): string | undefined {
  for (const key of claimKeysOf(pod)) {
    const claim = claimOf(key);
    const quoted = `persistentvolumeclaim "${key.slice(key.indexOf('/') + 1)}"`;
    if (claim === undefined) return `${quoted} not found`;
    if (claim.status?.phase === 'Lost')
      return `${quoted} bound to non-existent persistentvolume "${claim.spec.volumeName}"`;
    if (isTerminating(claim)) return `${quoted} is being deleted`;
    if (claim.status?.phase !== 'Bound') return 'pod has unbound immediate PersistentVolumeClaims';
  }
  return undefined;
}

export function mountsClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return claimKeysOf(pod).includes(objectKey(claim));
}

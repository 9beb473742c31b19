import type {
  HostPathVolumeSource,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Volume,
} from '#api/generated/types.ts';
import { controllerOf } from '#api/object.ts';
import { ContainerConfigError } from '../pod/container-env.ts';

/** What a claim stands for on this machine. */
export interface ClaimedVolume {
  /** Name of the PersistentVolume. */
  readonly name: string;
  readonly source: HostPathVolumeSource;
  /** Made by somebody else beforehand: a path that is not there is an error, and fsGroup has a say. */
  readonly local: boolean;
}

/** Name of the claim that a volume of the Pod stands for. */
export function claimNameOf(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
  return ephemeral === undefined ? undefined : `${pod.metadata.name}-${name}`;
}

/** Throws, in a kubelet's words, where the Pod cannot have the claim now. */
export function checkClaim(pod: Pod, volume: Volume, claim: PersistentVolumeClaim | undefined): PersistentVolumeClaim {
  const { namespace } = pod.metadata;
  const key = `${namespace}/${claimNameOf(pod, volume)}`;
  const fail = (why: string): Error => new ContainerConfigError(`error processing PVC ${key}: ${why}`);
  if (claim === undefined) throw fail(`persistentvolumeclaim "${claimNameOf(pod, volume)}" not found`);
  if (claim.metadata.deletionTimestamp !== undefined) throw fail('PVC is being deleted');
  if (volume.ephemeral !== undefined && controllerOf(claim)?.uid !== pod.metadata.uid) {
    throw fail(`PVC ${key} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
  }
  if (claim.status?.phase !== 'Bound' || (claim.spec.volumeName ?? '') === '') throw fail('PVC is not bound');
  return claim;
}

export function claimedVolume(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimedVolume {
  const name = claim.spec.volumeName ?? '';
  if (volume === undefined) throw new ContainerConfigError(`persistentvolume "${name}" not found`);
  if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
    throw new ContainerConfigError(`PV ${name} is bound to another claim than ${claim.metadata.name}`);
  }
  const { hostPath, local, volumeMode } = volume.spec;
  if (volumeMode === 'Block') throw new ContainerConfigError('block volumes are not supported');
  if (hostPath !== undefined) return { name, source: hostPath, local: false };
  if (local !== undefined) return { name, source: { path: local.path, type: 'Directory' }, local: true };
  throw new ContainerConfigError('no volume plugin matched');
}

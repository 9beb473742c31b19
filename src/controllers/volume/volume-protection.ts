import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#api/generated/types.ts';
import { type KubeObject, objectKey } from '#api/object.ts';
import { persistentVolumeClaims, persistentVolumes, pods, type Resource } from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from '../controller-context.ts';
import { isPodFinished, isTerminating } from '../pod-state.ts';
import { claimKeysOf, claimNameOf, isClaimOf, podsByClaim } from './pod-claims.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';

/**
 * Whether the Pod keeps the claim from going. One without a node does not: no node starts a Pod with a claim on its way
 * out. Models pvc_protection_controller.go of v1.34.
 */
export function holdsClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if ((pod.spec.nodeName ?? '') === '') return false;
  return (pod.spec.volumes ?? []).some((volume) => {
    if (claimNameOf(pod, volume) !== claim.metadata.name) return false;
    return volume.ephemeral === undefined || (!isPodFinished(pod) && isClaimOf(pod, claim));
  });
}

/** Claims that Pods use and volumes that claims are bound to stay until they are no longer. */
export function startVolumeProtection(context: ControllerContext): void {
  const { client, informers } = context;
  const claims = informers.for(persistentVolumeClaims);
  const volumes = informers.for(persistentVolumes);
  const podInformer = informers.for(pods);
  const podsOf = podsByClaim(podInformer);

  const letGo = async <T extends KubeObject>(resource: Resource<T>, object: T, finalizer: string): Promise<void> => {
    const { resourceVersion, finalizers = [] } = object.metadata;
    const body = { metadata: { resourceVersion, finalizers: finalizers.filter((one) => one !== finalizer) } };
    await ignoreNotFound(client.patch(resource, object.metadata, { kind: 'merge', body }));
  };
  const waitFor = [claims, volumes, podInformer];
  const claimQueue = createControllerQueue(context, { name: 'pvc-protection', waitFor }, async (key) => {
    const claim = claims.get(key);
    if (claim === undefined || !isLeaving(claim, CLAIM_FINALIZER)) return;
    if (podsOf(key).some((pod) => holdsClaim(pod, claim))) return;
    // The cache may be behind a Pod that has just been bound; it waits for claims that are on their way out.
    await letGo(persistentVolumeClaims, claim, CLAIM_FINALIZER);
  });
  const volumeQueue = createControllerQueue(context, { name: 'pv-protection', waitFor }, async (name) => {
    const volume = volumes.get(name);
    if (volume === undefined || !isLeaving(volume, VOLUME_FINALIZER) || volume.status?.phase === 'Bound') return;
    await letGo(persistentVolumes, volume, VOLUME_FINALIZER);
  });

  const claimChanged = (claim: PersistentVolumeClaim): void => {
    if (isLeaving(claim, CLAIM_FINALIZER)) claimQueue.add(objectKey(claim));
  };
  claims.on({ added: claimChanged, updated: claimChanged });
  const volumeChanged = (volume: PersistentVolume): void => {
    if (isLeaving(volume, VOLUME_FINALIZER)) volumeQueue.add(volume.metadata.name);
  };
  volumes.on({ added: volumeChanged, updated: volumeChanged });
  const podChanged = (pod: Pod): void => {
    for (const key of claimKeysOf(pod)) {
      const claim = claims.get(key);
      if (claim !== undefined) claimChanged(claim);
    }
  };
  podInformer.on({
    updated: (pod, old) => {
      if (isPodFinished(pod) !== isPodFinished(old)) podChanged(pod);
    },
    deleted: podChanged,
  });
}

function isLeaving(object: KubeObject, finalizer: string): boolean {
  return isTerminating(object) && object.metadata.finalizers?.includes(finalizer) === true;
}

import { errorMessage } from '#base/errors.ts';
import type { PersistentVolumeClaim, Pod, Volume } from '#api/generated/types.ts';
import { type NewObject, objectKey } from '#api/object.ts';
import { persistentVolumeClaims, pods } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { controllerReference } from '../claims.ts';
import { type ControllerContext, createControllerQueue, recorderFor } from '../controller-context.ts';
import { isTerminating } from '../pod-state.ts';
import { claimNameOf, isClaimOf, podsByClaim } from './pod-claims.ts';

/** The claim of an ephemeral volume: it belongs to its Pod and goes with it. */
export function ephemeralClaim(pod: Pod, volume: Volume): NewObject<PersistentVolumeClaim> | undefined {
  const template = volume.ephemeral?.volumeClaimTemplate;
  if (template === undefined) return undefined;
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: {
      name: claimNameOf(pod, volume) ?? '',
      namespace: pod.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(pod)],
    },
    spec: template.spec,
  };
}

export function hasEphemeralVolume({ spec }: Pod): boolean {
  return (spec.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
}

/** Makes the claims of generic ephemeral volumes. Models pkg/controller/volume/ephemeral/controller.go of v1.34. */
export function startEphemeralVolumeController(context: ControllerContext): void {
  const { client, informers } = context;
  const claims = informers.for(persistentVolumeClaims);
  const podInformer = informers.for(pods);
  const podsOf = podsByClaim(podInformer);
  const recorder = recorderFor(context, 'ephemeral_volume');
  const make = async (pod: Pod, volume: Volume): Promise<void> => {
    const claim = ephemeralClaim(pod, volume);
    if (claim === undefined) return;
    const existing = claims.get(`${pod.metadata.namespace}/${claim.metadata.name}`);
    try {
      if (existing === undefined) await client.create(persistentVolumeClaims, claim);
      else if (!isClaimOf(pod, existing)) throw foreign(pod, claim.metadata.name ?? '');
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return;
      recorder.record(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${errorMessage(error)}`);
      throw error;
    }
  };
  const queue = createControllerQueue(
    context,
    { name: 'ephemeral-volume', waitFor: [claims, podInformer] },
    async (key) => {
      const pod = podInformer.get(key);
      if (pod === undefined || isTerminating(pod)) return;
      for (const volume of pod.spec.volumes ?? []) await make(pod, volume);
    },
  );
  podInformer.on({
    added: (pod) => {
      if (hasEphemeralVolume(pod)) queue.add(objectKey(pod));
    },
  });
  claims.on({
    deleted: (claim) => {
      for (const pod of podsOf(objectKey(claim))) if (hasEphemeralVolume(pod)) queue.add(objectKey(pod));
    },
  });
}

function foreign(pod: Pod, claim: string): Error {
  const { namespace, name } = pod.metadata;
  return new Error(`PVC ${namespace}/${claim} was not created for pod ${namespace}/${name} (pod is not owner)`);
}

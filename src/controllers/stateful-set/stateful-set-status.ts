import type { StatefulSetStatus } from '#api/generated/types.ts';
import { isPodAvailable, isTerminating } from '../pod-state.ts';
import { podRevision } from './stateful-set-identity.ts';
import { isRunningAndReady, type StatefulSetState } from './stateful-set-plan.ts';

/** Models updateStatus and completeRollingUpdate of v1.34. */
export function statefulSetStatus(
  { set, pods, current, update, now }: Omit<StatefulSetState, 'claimOf'>,
  collisionCount: number | undefined,
): StatefulSetStatus {
  const ready = pods.filter((pod) => isRunningAndReady(pod));
  const available = ready.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now));
  const ofRevision = (name: string): number =>
    pods.filter((pod) => !isTerminating(pod) && podRevision(pod) === name).length;
  const updated = ofRevision(update.metadata.name);
  const rolling = set.spec.updateStrategy?.type !== 'OnDelete';
  const complete =
    rolling && updated === pods.length && ready.length === pods.length && updated === (set.spec.replicas ?? 1);
  const shown = complete ? update : current;
  const counts = {
    readyReplicas: ready.length,
    currentReplicas: complete ? updated : ofRevision(current.metadata.name),
    updatedReplicas: updated,
  };
  return {
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    replicas: pods.length,
    // A count of none is left out, as the API has it.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    availableReplicas: available.length,
    currentRevision: shown.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: collisionCount ?? 0,
  };
}

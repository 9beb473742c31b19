import { deepEqual } from '#api/equal.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import {
  byRevision,
  findNewSet,
  newReplicaSet,
  newSetAnnotations,
  REVISION,
  sizeAnnotations,
} from './deployment-revision.ts';
import {
  byAge,
  isActive,
  isRolling,
  isScalingEvent,
  newSetReplicas,
  type Resize,
  replicasOf,
  scaleProportionally,
  shrinkOldSets,
  sumStatus,
} from './deployment-scaling.ts';
import { isPodFinished, isTerminating } from '../pod-state.ts';

export type DeploymentAction =
  | { readonly kind: 'create'; readonly set: NewObject<ReplicaSet> }
  | {
      readonly kind: 'patch';
      readonly set: ReplicaSet;
      readonly annotations: Readonly<Record<string, string>>;
      readonly replicas?: number | undefined;
      readonly minReadySeconds?: number | undefined;
    }
  | { readonly kind: 'delete'; readonly set: ReplicaSet }
  /** Show the new set's revision on the Deployment. */
  | { readonly kind: 'annotate'; readonly set: ReplicaSet; readonly revision: string };

export interface DeploymentState {
  readonly deployment: Deployment;
  /** All that it owns. */
  readonly sets: readonly ReplicaSet[];
  readonly podsOf: (set: ReplicaSet) => readonly Pod[];
}

export interface SplitSets {
  readonly newSet: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export function splitSets({ deployment, sets }: Pick<DeploymentState, 'deployment' | 'sets'>): SplitSets {
  const newSet = findNewSet(deployment, sets);
  return { newSet, old: sets.filter((set) => set !== newSet) };
}

/**
 * What to do next. Each answer is one step of the rollout, to be carried out and followed by the next with what came of
 * it; none is left when the answer is empty. The order of the steps is upstream's (pkg/controller/deployment, v1.34).
 */
export function nextActions(state: DeploymentState): readonly DeploymentAction[] {
  const { deployment, sets } = state;
  if (isTerminating(deployment)) return [];
  const { newSet, old } = splitSets(state);
  const marks = newSet === undefined ? [] : markRevision(deployment, newSet, old);
  if (marks.length > 0) return marks;
  if (deployment.spec.paused === true || isScalingEvent(deployment, sets)) {
    const resized = resize(deployment, scaleProportionally(deployment, newSet, old));
    if (resized.length > 0 || deployment.spec.paused === true) return resized;
  }
  return isRolling(deployment) ? roll(deployment, newSet, old) : recreate(state, newSet, old);
}

function roll(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly DeploymentAction[] {
  if (newSet === undefined) return [{ kind: 'create', set: newReplicaSet(deployment, old) }];
  const size = Math.min(newSetReplicas(deployment, old, replicasOf(newSet)), replicasOf(deployment));
  if (size !== replicasOf(newSet)) return resize(deployment, [{ set: newSet, replicas: size }]);
  const shrunk = resize(deployment, shrinkOldSets(deployment, newSet, old));
  if (shrunk.length > 0) return shrunk;
  return cleanUp(deployment, newSet, old);
}

function recreate(
  { deployment, podsOf }: DeploymentState,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly DeploymentAction[] {
  const active = old.filter(isActive);
  if (active.length > 0) {
    return resize(
      deployment,
      active.map((set) => ({ set, replicas: 0 })),
    );
  }
  const running = old.some((set) => podsOf(set).some((pod) => !isPodFinished(pod)));
  if (running || sumStatus(old, 'replicas') > 0) return [];
  if (newSet === undefined) return [{ kind: 'create', set: newReplicaSet(deployment, old) }];
  const wanted = replicasOf(deployment);
  if (wanted !== replicasOf(newSet)) return resize(deployment, [{ set: newSet, replicas: wanted }]);
  return cleanUp(deployment, newSet, old);
}

function markRevision(
  deployment: Deployment,
  newSet: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly DeploymentAction[] {
  const annotations = newSetAnnotations(deployment, newSet, old);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  if (!deepEqual(annotations, newSet.metadata.annotations) || minReadySeconds !== (newSet.spec.minReadySeconds ?? 0)) {
    return [{ kind: 'patch', set: newSet, annotations, minReadySeconds }];
  }
  const revision = annotations[REVISION];
  if (revision === undefined || deployment.metadata.annotations?.[REVISION] === revision) return [];
  return [{ kind: 'annotate', set: newSet, revision }];
}

/** Patches for those whose size, or note of the Deployment's size, is another. */
function resize(deployment: Deployment, sizes: readonly Resize[]): readonly DeploymentAction[] {
  return sizes.flatMap(({ set, replicas }): DeploymentAction[] => {
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) };
    if (replicas === replicasOf(set) && deepEqual(annotations, set.metadata.annotations)) return [];
    return [{ kind: 'patch', set, annotations, ...(replicas === replicasOf(set) ? {} : { replicas }) }];
  });
}

/** Old sets beyond the history limit, once the rollout is complete; the lowest revisions go first. */
function cleanUp(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): readonly DeploymentAction[] {
  const wanted = replicasOf(deployment);
  const { replicas = 0, availableReplicas = 0 } = newSet.status ?? {};
  const complete = replicas === wanted && availableReplicas === wanted && sumStatus(old, 'replicas') === 0;
  const excess = old.length - (deployment.spec.revisionHistoryLimit ?? 10);
  if (!complete || excess <= 0) return [];
  return [...old]
    .filter((set) => !isTerminating(set))
    .sort((a, b) => byRevision(a, b) || byAge(a, b))
    .slice(0, excess)
    .filter((set) => !isActive(set) && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0))
    .map((set) => ({ kind: 'delete', set }));
}

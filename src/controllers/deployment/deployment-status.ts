import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '#api/generated/types.ts';
import { maxUnavailable, replicasOf, sumReplicas, sumStatus } from './deployment-scaling.ts';
import type { SplitSets } from './deployment-plan.ts';

type Conditions = readonly DeploymentCondition[];

/** What happened in this pass that a condition tells of. */
export type DeploymentNews =
  | { readonly kind: 'created'; readonly name: string }
  /**
   * An old set became the new one: the Deployment went back. Upstream tells of it only where there is no condition yet,
   * and a deadline that the last revision missed seems missed by the next one, until that has its first Pod.
   */
  | { readonly kind: 'found'; readonly name: string }
  | { readonly kind: 'create-failed'; readonly name: string; readonly message: string };

export interface StatusInput extends SplitSets {
  readonly deployment: Deployment;
  readonly news: DeploymentNews | undefined;
  readonly collisionCount?: number | undefined;
  readonly now: number;
  /** `now` as the API writes times. */
  readonly timestamp: string;
}

/** The whole status. Models syncRolloutStatus, checkPausedConditions and getNewReplicaSet of v1.34. */
export function deploymentStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newSet, old } = input;
  const sets = [...old, ...(newSet === undefined ? [] : [newSet])];
  const available = sumStatus(sets, 'availableReplicas');
  const counts = {
    replicas: sumStatus(sets, 'replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sumStatus(sets, 'readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumReplicas(sets) - available),
  };
  const collisionCount = input.collisionCount ?? deployment.status?.collisionCount;
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation,
    // A count of none is left out, as the API has it.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  return { ...status, conditions: conditionsOf(input, status, sets) };
}

function conditionsOf(input: StatusInput, status: DeploymentStatus, sets: readonly ReplicaSet[]): Conditions {
  const { deployment } = input;
  const enough = (status.availableReplicas ?? 0) >= replicasOf(deployment) - maxUnavailable(deployment);
  let conditions = before(input, deployment.status?.conditions ?? []);
  conditions = set(
    input,
    conditions,
    enough
      ? ['Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.']
      : ['Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'],
  );
  conditions = progress(input, status, conditions);
  const failures = sets.flatMap((found) =>
    (found.status?.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure'),
  );
  const failure = (input.newSet?.status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure') ?? failures[0];
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  return set(input, conditions, ['ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? '']);
}

type Text = readonly [type: string, status: string, reason: string, message: string];

/** A condition with the same status and reason stays as it is; only a change of status is a transition. */
function set({ timestamp }: StatusInput, conditions: Conditions, [type, status, reason, message]: Text): Conditions {
  const old = conditions.find((condition) => condition.type === type);
  if (old?.status === status && old.reason === reason) return conditions;
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : timestamp;
  const next = { type, status, lastUpdateTime: timestamp, lastTransitionTime, reason, message };
  return [...conditions.filter((condition) => condition.type !== type), next];
}

function progressing(conditions: Conditions): DeploymentCondition | undefined {
  return conditions.find(({ type }) => type === 'Progressing');
}

function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2_147_483_647;
}

/** Pausing, resuming and the news of this pass, which come ahead of what the counts say. */
function before(input: StatusInput, conditions: Conditions): Conditions {
  const { deployment, news, newSet } = input;
  if (!hasDeadline(deployment)) return conditions;
  const current = progressing(conditions);
  const paused = current?.reason === 'DeploymentPaused';
  if (current?.reason !== 'ProgressDeadlineExceeded' && (deployment.spec.paused === true) !== paused) {
    const text = paused ? ['DeploymentResumed', 'Deployment is resumed'] : ['DeploymentPaused', 'Deployment is paused'];
    return set(input, conditions, ['Progressing', 'Unknown', text[0] ?? '', text[1] ?? '']);
  }
  const text = newsText(news ?? found(current, newSet));
  return text === undefined ? conditions : set(input, conditions, text);
}

function found(current: DeploymentCondition | undefined, newSet: ReplicaSet | undefined): DeploymentNews | undefined {
  return current === undefined && newSet !== undefined ? { kind: 'found', name: newSet.metadata.name } : undefined;
}

function newsText(news: DeploymentNews | undefined): Text | undefined {
  switch (news?.kind) {
    case undefined:
      return undefined;
    case 'created':
      return ['Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${news.name}"`];
    case 'found':
      return ['Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${news.name}"`];
    case 'create-failed': {
      const message = `Failed to create new replica set "${news.name}": ${news.message}`;
      return ['Progressing', 'False', 'ReplicaSetCreateError', message];
    }
  }
}

function progress(input: StatusInput, status: DeploymentStatus, conditions: Conditions): Conditions {
  const { deployment, newSet, timestamp } = input;
  if (!hasDeadline(deployment)) return conditions.filter(({ type }) => type !== 'Progressing');
  const current = progressing(conditions);
  const settled =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (deployment.spec.paused === true || settled) return conditions;
  const subject =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return set(input, conditions, ['Progressing', 'True', 'NewReplicaSetAvailable', message]);
  }
  if (hasMoved(deployment.status ?? {}, status)) {
    // Unlike others, this one takes a new time with each step: the deadline counts from the last.
    const others = conditions.filter(({ type }) => type !== 'Progressing');
    const since = current?.status === 'True' ? current.lastTransitionTime : timestamp;
    const next = set(input, others, ['Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`]);
    return next.map((item) => (item.type === 'Progressing' ? { ...item, lastTransitionTime: since } : item));
  }
  if (isTimedOut(input, current)) {
    const message = `${subject} has timed out progressing.`;
    return set(input, conditions, ['Progressing', 'False', 'ProgressDeadlineExceeded', message]);
  }
  return conditions;
}

function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  return (
    updatedReplicas === wanted &&
    replicas === wanted &&
    availableReplicas === wanted &&
    observedGeneration >= (deployment.metadata.generation ?? 0)
  );
}

function hasMoved(from: DeploymentStatus, to: DeploymentStatus): boolean {
  const oldReplicas = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas;
  return (
    (to.updatedReplicas ?? 0) > (from.updatedReplicas ?? 0) ||
    oldReplicas(to) < oldReplicas(from) ||
    (to.readyReplicas ?? 0) > (from.readyReplicas ?? 0) ||
    (to.availableReplicas ?? 0) > (from.availableReplicas ?? 0)
  );
}

function isTimedOut({ deployment, now }: StatusInput, current: DeploymentCondition | undefined): boolean {
  if (current === undefined || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return deadlineOf(deployment, current) < now;
}

function deadlineOf({ spec }: Deployment, current: DeploymentCondition): number {
  return Date.parse(current.lastUpdateTime ?? '') + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** Ms until the deadline has to be looked at again; undefined when nothing is in progress. */
export function nextDeadlineIn(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const current = progressing(status.conditions ?? []);
  if (!hasDeadline(deployment) || deployment.spec.paused === true || current === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined;
  return Math.max(0, deadlineOf(deployment, current) - now) + 1000;
}

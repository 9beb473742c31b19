import type { Deployment, ReplicaSet } from '#api/generated/types.ts';
import { scaledShare } from '#api/int-or-string.ts';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** A set and the size it is to have. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export function replicasOf(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

export function sumReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function sumStatus(
  sets: readonly ReplicaSet[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas',
): number {
  return sets.reduce((sum, set) => sum + (set.status?.[field] ?? 0), 0);
}

export function isActive(set: ReplicaSet): boolean {
  return replicasOf(set) > 0;
}

/** Older first; by name where they are of the same second. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const left = a.metadata.creationTimestamp;
  const right = b.metadata.creationTimestamp;
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

export function isRolling({ spec }: Deployment): boolean {
  return spec.strategy?.type !== 'Recreate';
}

export function maxSurge(deployment: Deployment): number {
  if (!isRolling(deployment)) return 0;
  return scaledShare(deployment.spec.strategy?.rollingUpdate?.maxSurge ?? '25%', replicasOf(deployment), 'up');
}

/** Never both this and the surge 0: one Pod has to give way for the rollout to move at all. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  if (!isRolling(deployment) || replicas === 0) return 0;
  const asked = deployment.spec.strategy?.rollingUpdate?.maxUnavailable ?? '25%';
  const resolved = scaledShare(asked, replicas, 'down');
  if (resolved === 0 && maxSurge(deployment) === 0) return 1;
  return Math.min(resolved, replicas);
}

/** How large the new set may be now, given the sizes of all. Models NewRSNewReplicas of v1.34. */
export function newSetReplicas(deployment: Deployment, others: readonly ReplicaSet[], current: number): number {
  const wanted = replicasOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const room = wanted + maxSurge(deployment) - sumReplicas(others) - current;
  if (room <= 0) return current;
  return current + Math.min(room, wanted - current);
}

/**
 * Which old sets give up how many, so that enough Pods stay available: those that are unavailable anyway go first.
 * Models reconcileOldReplicaSets of v1.34, but does not count what a set has been told to give up: its status may be late.
 */
export function shrinkOldSets(
  deployment: Deployment,
  newSet: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  const most = sumReplicas([...old, newSet]) - minAvailable - newUnavailable;
  if (sumReplicas(old) === 0 || most <= 0) return [];
  const sizes = new Map([...old].sort(byAge).map((set) => [set, replicasOf(set)]));
  take(sizes, most, (set, size) => size - Math.min(size, set.status?.availableReplicas ?? 0));
  const available = [...old, newSet].map((set) => Math.min(set.status?.availableReplicas ?? 0, replicasOf(set)));
  const spare = available.reduce((sum, count) => sum + count, 0) - minAvailable;
  take(sizes, spare, (_, size) => size);
  return [...sizes].filter(([set, size]) => size !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }));
}

function take(sizes: Map<ReplicaSet, number>, most: number, limit: (set: ReplicaSet, size: number) => number): void {
  let left = most;
  for (const [set, size] of sizes) {
    const count = Math.max(0, Math.min(left, limit(set, size)));
    sizes.set(set, size - count);
    left -= count;
  }
}

/** Whether `spec.replicas` of the Deployment changed since its sets were last sized. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.filter(isActive).some((set) => {
    const desired = set.metadata.annotations?.[DESIRED_REPLICAS];
    return desired !== undefined && Number(desired) !== replicasOf(deployment);
  });
}

/**
 * New sizes when the Deployment as a whole is resized, also in the middle of a rollout, where each set gets its share:
 * a canary stays as large a part as it was. Models scale() of v1.34.
 */
export function scaleProportionally(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Resize[] {
  const wanted = replicasOf(deployment);
  const single = activeOrLatest(newSet, old);
  if (single !== undefined) return [{ set: single, replicas: wanted }];
  if (newSet !== undefined && isSaturated(deployment, newSet)) {
    return old.filter(isActive).map((set) => ({ set, replicas: 0 }));
  }
  if (!isRolling(deployment)) return [];
  const active = [...old, ...(newSet === undefined ? [] : [newSet])].filter(isActive);
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  const toAdd = allowed - sumReplicas(active);
  const sorted = active.sort((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = shareOf(deployment, set, toAdd, added);
    added += share;
    return { set, replicas: replicasOf(set) + share };
  });
  // What rounding left over goes to the largest.
  return sizes.map((size, i) => (i === 0 ? { ...size, replicas: Math.max(0, size.replicas + toAdd - added) } : size));
}

/** The set that alone has to be resized: the only active one, or the newest when none is. */
function activeOrLatest(newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = [...old, ...(newSet === undefined ? [] : [newSet])];
  const active = all.filter(isActive);
  if (active.length > 1) return undefined;
  return active[0] ?? newSet ?? [...old].sort(byAge).at(-1);
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  const desired = Number(set.metadata.annotations?.[DESIRED_REPLICAS] ?? Number.NaN);
  return replicasOf(set) === wanted && desired === wanted && set.status?.availableReplicas === wanted;
}

function shareOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const size = replicasOf(set);
  if (size === 0 || toAdd === 0 || toAdd === added) return 0;
  const fraction = fractionOf(deployment, set);
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = replicasOf(set);
  if (replicasOf(deployment) === 0) return -size;
  const before = Number(set.metadata.annotations?.[MAX_REPLICAS] ?? 0) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((size * (replicasOf(deployment) + maxSurge(deployment))) / before) - size;
}

import type { Pod, ReplicaSet, ReplicaSetStatus } from '#api/generated/types.ts';
import { hasLabels } from '#api/selectors.ts';
import { isPodAvailable, isPodReady, isTerminating, readySince } from '../pod-state.ts';

/** Pods made or deleted in one pass at most, so that one large set does not keep the others waiting. */
const BURST = 500;

export interface Scaling {
  readonly create: number;
  readonly delete: readonly Pod[];
}

/** `related` gives the Pods that the ranking by node counts. */
export function planScaling(
  set: ReplicaSet,
  active: readonly Pod[],
  related: () => readonly Pod[],
  now: number,
): Scaling {
  if (isTerminating(set)) return { create: 0, delete: [] };
  const missing = (set.spec.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST), delete: [] };
  const count = Math.min(-missing, BURST);
  return { create: 0, delete: deletionOrder(active, related(), now).slice(0, count) };
}

/**
 * The Pods in the order in which a set gives them up: what serves least goes first, and of equals the one on the node
 * that has the most of them. Models ActivePodsWithRanks of v1.34.
 */
export function deletionOrder(pods: readonly Pod[], related: readonly Pod[], now: number): readonly Pod[] {
  const perNode = new Map<string, number>();
  for (const { spec } of related) perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1);
  const keys = new Map(pods.map((pod) => [pod, deletionKey(pod, perNode, now)]));
  return [...pods].sort((a, b) => {
    const left = keys.get(a) ?? [];
    const right = keys.get(b) ?? [];
    for (let i = 0; i < left.length; i++) {
      const difference = (left[i] ?? 0) - (right[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.metadata.uid < b.metadata.uid ? -1 : 1;
  });
}

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function deletionKey(pod: Pod, perNode: ReadonlyMap<string, number>, now: number): readonly number[] {
  const { spec, status, metadata } = pod;
  const { nodeName = '' } = spec;
  const { phase = 'Pending', containerStatuses = [] } = status ?? {};
  const ready = readySince(pod);
  return [
    nodeName === '' ? 0 : 1,
    PHASES[phase] ?? 0,
    isPodReady(pod) ? 1 : 0,
    deletionCost(pod),
    -(perNode.get(nodeName) ?? 0),
    ready === undefined ? 0 : ageRank(ready, now),
    -Math.max(0, ...containerStatuses.map(({ restartCount }) => restartCount)),
    ageRank(Date.parse(metadata.creationTimestamp), now),
  ];
}

function deletionCost({ metadata }: Pod): number {
  const cost = Number(metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  return Number.isFinite(cost) ? cost : 0;
}

/** Ages that differ by less than a factor of two are the same: otherwise the youngest node would lose all its Pods. */
function ageRank(time: number, now: number): number {
  const age = now - time;
  return age <= 0 ? -1 : Math.floor(Math.log2(age * 1e6));
}

export interface ReplicaSetFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** The new status, or undefined when it is what the set says already. */
export function planReplicaSetStatus(
  set: ReplicaSet,
  active: readonly Pod[],
  failure: ReplicaSetFailure | undefined,
  at: { readonly now: number; readonly timestamp: string },
): ReplicaSetStatus | undefined {
  const before = set.status ?? { replicas: 0 };
  const known = before.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const others = (before.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  const failed = known ?? { type: 'ReplicaFailure', status: 'True', ...failure, lastTransitionTime: at.timestamp };
  const conditions = failure === undefined ? others : [...others, failed];
  const next: ReplicaSetStatus = {
    replicas: active.length,
    ...countPods(set, active, at.now),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return isSameStatus(before, next) ? undefined : next;
}

type Counts = Pick<ReplicaSetStatus, 'fullyLabeledReplicas' | 'readyReplicas' | 'availableReplicas'>;

/** A count of none is left out, as the API has it. */
function countPods(set: ReplicaSet, active: readonly Pod[], now: number): Counts {
  const { template, minReadySeconds = 0 } = set.spec;
  const labels = template?.metadata?.labels ?? {};
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  for (const pod of active) {
    if (hasLabels(labels, pod.metadata.labels)) fullyLabeled++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (isPodAvailable(pod, minReadySeconds, now)) available++;
  }
  return {
    ...(fullyLabeled === 0 ? {} : { fullyLabeledReplicas: fullyLabeled }),
    ...(ready === 0 ? {} : { readyReplicas: ready }),
    ...(available === 0 ? {} : { availableReplicas: available }),
  };
}

function isSameStatus(a: ReplicaSetStatus, b: ReplicaSetStatus): boolean {
  return (
    a.replicas === b.replicas &&
    a.fullyLabeledReplicas === b.fullyLabeledReplicas &&
    a.readyReplicas === b.readyReplicas &&
    a.availableReplicas === b.availableReplicas &&
    a.observedGeneration === b.observedGeneration &&
    (a.conditions ?? []).length === (b.conditions ?? []).length
  );
}

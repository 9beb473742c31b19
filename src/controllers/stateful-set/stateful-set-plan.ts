import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '#api/generated/types.ts';
import { scaledShare } from '#api/int-or-string.ts';
import type { NewObject } from '#api/object.ts';
import { templateOf } from '../revision/controller-revision.ts';
import { isPodAvailable, isPodReady, isTerminating } from '../pod-state.ts';
import {
  isStaleClaim,
  missingIdentity,
  ordinalOf,
  podName,
  podRevision,
  statefulClaims,
  statefulPod,
} from './stateful-set-identity.ts';

export interface StatefulSetState {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  /** By name, in the set's namespace. */
  readonly claimOf: (name: string) => PersistentVolumeClaim | undefined;
  readonly now: number;
}

export type StatefulSetAction =
  | {
      readonly kind: 'create';
      readonly pod: NewObject<Pod>;
      readonly claims: readonly NewObject<PersistentVolumeClaim>[];
    }
  /** Claims that a Pod waits for. */
  | { readonly kind: 'claim'; readonly name: string; readonly claims: readonly NewObject<PersistentVolumeClaim>[] }
  | { readonly kind: 'label'; readonly pod: Pod; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'delete'; readonly pod: Pod; readonly why: 'failed' | 'succeeded' | 'scale' | 'update' };

type Steps = Generator<StatefulSetAction, boolean>;

/**
 * What to do now; empty when at rest or when there is something to wait for. One thing at a time where the set is
 * ordered. Models updateStatefulSet of v1.34 (pkg/controller/statefulset/stateful_set_control.go).
 */
export function planStatefulSet(state: StatefulSetState): readonly StatefulSetAction[] {
  return isTerminating(state.set) ? [] : [...steps(state)];
}

function startOrdinal(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

/** Beyond the ordinals that the set is to have. */
export function isCondemned(set: StatefulSet, ordinal: number): boolean {
  const start = startOrdinal(set);
  return ordinal >= 0 && (ordinal < start || ordinal >= start + (set.spec.replicas ?? 1));
}

function isOrdered(set: StatefulSet): boolean {
  return set.spec.podManagementPolicy !== 'Parallel';
}

function* steps(state: StatefulSetState): Generator<StatefulSetAction, void> {
  const { set, pods } = state;
  const start = startOrdinal(set);
  const count = set.spec.replicas ?? 1;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const ordinals = Array.from({ length: count }, (_, i) => start + i);
  // Ordered means one after the other: the first that is not done holds up all that follows.
  let waits = false;
  for (const ordinal of ordinals) {
    waits = (yield* keepReplica(state, byOrdinal.get(ordinal), ordinal)) || waits;
    if (waits && isOrdered(set)) return;
  }
  if (waits) return;
  const condemned = [...byOrdinal].filter(([ordinal]) => isCondemned(set, ordinal));
  const descending = condemned.sort(([a], [b]) => b - a).map(([, pod]) => pod);
  const unhealthy = descending.findLast((pod) => !isHealthy(state, pod));
  for (const pod of descending) {
    waits = (yield* removeCondemned(state, pod, unhealthy)) || waits;
    if (waits && isOrdered(set)) return;
  }
  if (!waits) yield* updateReplicas(state, ordinals, byOrdinal);
}

function* keepReplica(state: StatefulSetState, pod: Pod | undefined, ordinal: number): Steps {
  const { set, claimOf } = state;
  const claims = statefulClaims(set, ordinal);
  const missing = claims.filter(({ metadata }) => claimOf(metadata.name ?? '') === undefined);
  if (pod === undefined) {
    const name = podName(set, ordinal);
    // A claim that goes with its last Pod is waited for, or the new Pod would lose it.
    const stale = claims.some(({ metadata }) => {
      const claim = claimOf(metadata.name ?? '');
      return claim !== undefined && isStaleClaim(claim, name);
    });
    if (stale) return true;
    const revision = revisionFor(state, ordinal);
    yield {
      kind: 'create',
      pod: statefulPod(set, templateOf(revision), revision.metadata.name, ordinal),
      claims: missing,
    };
    return isOrdered(set);
  }
  const { phase } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') {
    if (!isTerminating(pod)) yield { kind: 'delete', pod, why: phase === 'Failed' ? 'failed' : 'succeeded' };
    return true;
  }
  if ((phase ?? 'Pending') === 'Pending' && missing.length > 0) {
    yield { kind: 'claim', name: pod.metadata.name, claims: missing };
  }
  if (isOrdered(set) && !isHealthy(state, pod)) return true;
  const labels = missingIdentity(set, pod);
  if (labels !== undefined) yield { kind: 'label', pod, labels };
  return false;
}

/** Below the partition a lost Pod comes back as it was. */
function revisionFor({ set, current, update }: StatefulSetState, ordinal: number): ControllerRevision {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return update;
  const kept = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
  return ordinal < startOrdinal(set) + kept ? current : update;
}

function* removeCondemned(state: StatefulSetState, pod: Pod, firstUnhealthy: Pod | undefined): Steps {
  const ordered = isOrdered(state.set);
  if (isTerminating(pod)) return ordered;
  // In order, a Pod that is ill keeps its betters from going, lest two be missing.
  if (ordered && !isHealthy(state, pod) && pod !== firstUnhealthy) return true;
  yield { kind: 'delete', pod, why: 'scale' };
  return ordered;
}

/** From the top, one at a time, and not while one that is to stay is ill. */
function* updateReplicas(
  state: StatefulSetState,
  ordinals: readonly number[],
  byOrdinal: ReadonlyMap<number, Pod>,
): Generator<StatefulSetAction, void> {
  const { set, update } = state;
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const lowest = startOrdinal(set) + partition;
  if (maxUnavailable !== undefined) {
    const most = Math.max(1, scaledShare(maxUnavailable, set.spec.replicas ?? 1, 'up'));
    yield* updateSome(state, ordinals, byOrdinal, lowest, most);
    return;
  }
  for (const ordinal of ordinals.filter((candidate) => candidate >= lowest).reverse()) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) return;
    if (podRevision(pod) !== update.metadata.name && !isTerminating(pod)) {
      yield { kind: 'delete', pod, why: 'update' };
      return;
    }
    if (!isHealthy(state, pod)) return;
  }
}

/** From the top, as many as may be missing at a time. Models updateStatefulSetAfterInvariantEstablished of v1.34. */
function* updateSome(
  state: StatefulSetState,
  ordinals: readonly number[],
  byOrdinal: ReadonlyMap<number, Pod>,
  lowest: number,
  most: number,
): Generator<StatefulSetAction, void> {
  const isMissing = (pod: Pod | undefined): boolean => pod === undefined || !isHealthy(state, pod);
  let left = most - ordinals.filter((ordinal) => isMissing(byOrdinal.get(ordinal))).length;
  for (const ordinal of ordinals.filter((candidate) => candidate >= lowest).reverse()) {
    const pod = byOrdinal.get(ordinal);
    if (left <= 0) return;
    if (pod === undefined || podRevision(pod) === state.update.metadata.name || isTerminating(pod)) continue;
    yield { kind: 'delete', pod, why: 'update' };
    left--;
  }
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

/** Serves, has done so for long enough, and is to stay. */
function isHealthy({ set, now }: StatefulSetState, pod: Pod): boolean {
  const available = isRunningAndReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
  return available && !isTerminating(pod);
}

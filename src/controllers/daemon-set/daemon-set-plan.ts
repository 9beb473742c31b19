import type { DaemonSet, DaemonSetStatus, Node, Pod } from '#api/generated/types.ts';
import { scaledShare } from '#api/int-or-string.ts';
import { REVISION_HASH } from '../revision/controller-revision.ts';
import { type DaemonFit, daemonFit, targetNode } from './daemon-set-pod.ts';
import { isPodAvailable, isPodReady, isTerminating } from '../pod-state.ts';

export interface DaemonSetState {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** Of the present template. */
  readonly hash: string;
  readonly now: number;
  /** A Pod failed on the node and it is too early for the next. */
  readonly backsOff: (node: string) => boolean;
}

export interface DaemonSetPlan {
  /** Names of nodes that get a Pod. */
  readonly create: readonly string[];
  readonly delete: readonly { readonly pod: Pod; readonly why: 'failed' | 'succeeded' | 'misplaced' | 'update' }[];
}

interface Spot {
  readonly name: string;
  readonly fit: DaemonFit;
  /** Oldest first. */
  readonly pods: readonly Pod[];
}

export function planDaemonSet(state: DaemonSetState): DaemonSetPlan {
  if (isTerminating(state.set)) return { create: [], delete: [] };
  const spots = spotsOf(state);
  const surges = maxSurge(state, spots) > 0;
  const kept = spots.map((spot) => keep(state, spot, surges));
  const create = kept.flatMap((plan) => plan.create);
  const remove = kept.flatMap((plan) => plan.delete);
  const rolling = state.set.spec.updateStrategy?.type !== 'OnDelete' && create.length + remove.length === 0;
  return rolling ? planUpdate(state, spots) : { create, delete: remove };
}

function spotsOf({ set, nodes, pods }: DaemonSetState): readonly Spot[] {
  const byNode = Map.groupBy(pods, (pod) => targetNode(pod) ?? '');
  return nodes.map((node) => {
    const { name } = node.metadata;
    const here = [...(byNode.get(name) ?? [])].sort((a, b) => compareAge(a, b));
    return { name, fit: daemonFit(set, node), pods: here };
  });
}

function compareAge(a: Pod, b: Pod): number {
  const left = `${a.metadata.creationTimestamp} ${a.metadata.name}`;
  const right = `${b.metadata.creationTimestamp} ${b.metadata.name}`;
  return left < right ? -1 : 1;
}

/** One Pod where one should be, none elsewhere. Models podsShouldBeOnNode of v1.34. */
function keep(state: DaemonSetState, { name, fit, pods }: Spot, surges: boolean): DaemonSetPlan {
  if (fit.shouldRun && pods.length === 0) return { create: [name], delete: [] };
  const living = pods.filter((pod) => !isTerminating(pod));
  if (!fit.mayStay) return { create: [], delete: living.map((pod) => ({ pod, why: 'misplaced' as const })) };
  const ended = living.filter(({ status }) => status?.phase === 'Failed' || status?.phase === 'Succeeded');
  const due = ended.filter(({ status }) => status?.phase === 'Succeeded' || !state.backsOff(name));
  const running = living.filter((pod) => !ended.includes(pod));
  const surplus = surges ? surplusOfSurge(state, running) : running.slice(1);
  return {
    create: [],
    delete: [
      ...due.map((pod) => ({
        pod,
        why: pod.status?.phase === 'Failed' ? ('failed' as const) : ('succeeded' as const),
      })),
      ...surplus.map((pod) => ({ pod, why: 'update' as const })),
    ],
  };
}

/** One old and one new may stand side by side until the new one serves. */
function surplusOfSurge(state: DaemonSetState, running: readonly Pod[]): readonly Pod[] {
  const [fresh, ...moreFresh] = running.filter((pod) => isUpdated(state, pod));
  const [old, ...moreOld] = running.filter((pod) => !isUpdated(state, pod));
  const replaced = fresh !== undefined && old !== undefined && (!isPodReady(old) || isAvailable(state, fresh));
  return [...moreFresh, ...moreOld, ...(replaced ? [old] : [])];
}

/** Models rollingUpdate of v1.34 (pkg/controller/daemon/update.go). */
function planUpdate(state: DaemonSetState, spots: readonly Spot[]): DaemonSetPlan {
  const occupied = spots.filter(({ pods }) => pods.length > 0);
  const surge = maxSurge(state, spots);
  const outdated = occupied.filter(({ pods }) => pods.length === 1 && pods.every((pod) => isOutdated(state, pod)));
  const ill = outdated.filter(({ pods }) => !pods.every((pod) => isAvailable(state, pod)));
  const well = outdated.filter((spot) => !ill.includes(spot));
  // A node between two Pods is one that is missing.
  const others = occupied.filter((spot) => !outdated.includes(spot));
  if (surge > 0) {
    const surging = others.filter(({ pods }) => pods.length > 1).length;
    const chosen = [...ill, ...well.slice(0, Math.max(0, surge - surging))];
    return { create: chosen.map(({ name }) => name), delete: [] };
  }
  const unavailable = others.filter(
    ({ pods }) => pods.length > 1 || !pods.every((pod) => isHealthy(state, pod)),
  ).length;
  const chosen = [...ill, ...well.slice(0, Math.max(0, maxUnavailable(state, spots) - unavailable))];
  return { create: [], delete: chosen.flatMap(({ pods }) => pods.map((pod) => ({ pod, why: 'update' as const }))) };
}

function isUpdated({ hash }: DaemonSetState, pod: Pod): boolean {
  return pod.metadata.labels?.[REVISION_HASH] === hash;
}

function isOutdated(state: DaemonSetState, pod: Pod): boolean {
  return !isUpdated(state, pod) && !isTerminating(pod);
}

function isAvailable({ set, now }: DaemonSetState, pod: Pod): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

function isHealthy(state: DaemonSetState, pod: Pod): boolean {
  return !isTerminating(pod) && isAvailable(state, pod);
}

function desiredOf(spots: readonly Spot[]): number {
  return spots.filter(({ fit }) => fit.shouldRun).length;
}

function maxSurge({ set }: DaemonSetState, spots: readonly Spot[]): number {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  return type === 'OnDelete' ? 0 : scaledShare(rollingUpdate?.maxSurge ?? 0, desiredOf(spots), 'up');
}

function maxUnavailable({ set }: DaemonSetState, spots: readonly Spot[]): number {
  const asked = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  return Math.max(1, scaledShare(asked, desiredOf(spots), 'up'));
}

/** Models updateDaemonSetStatus of v1.34. */
export function daemonSetStatus(state: DaemonSetState, collisionCount: number | undefined): DaemonSetStatus {
  const spots = spotsOf(state);
  const wanted = spots.filter(({ fit }) => fit.shouldRun);
  const oldest = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const available = oldest.filter((pod) => isAvailable(state, pod)).length;
  const counts = {
    updatedNumberScheduled: oldest.filter((pod) => isUpdated(state, pod)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
  return {
    currentNumberScheduled: oldest.length,
    numberMisscheduled: spots.filter(({ fit, pods }) => !fit.shouldRun && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: oldest.filter((pod) => isPodReady(pod)).length,
    ...(state.set.metadata.generation === undefined ? {} : { observedGeneration: state.set.metadata.generation }),
    // A count of none is left out, as the API has it.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
}

import { type Node, type Pod, type Taint } from '#api/generated/types.ts';
import { isTolerated, matchesNode, matchesTerm } from './node-fit.ts';
import { type Candidate } from './scheduler-node.ts';
import { type AffinityView } from './scheduler-affinity.ts';
import { type SpreadView } from './scheduler-spread.ts';
import { capacityOf, type Demand, type NodeLoad } from './scheduler-node.ts';

/** Why a Pod may not go to a node, in upstream's words; empty when it may. */
export function unfitReasons(pod: Pod, demand: Demand, { node, load }: Candidate): readonly string[] {
  const { tolerations = [] } = pod.spec;
  if (node.spec.unschedulable === true && !isTolerated(UNSCHEDULABLE, tolerations)) {
    return ['node(s) were unschedulable'];
  }
  const taint = taintsOf(node).find(
    (candidate) => candidate.effect !== 'PreferNoSchedule' && !isTolerated(candidate, tolerations),
  );
  if (taint !== undefined) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  if (!matchesNode(pod.spec, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  if (load.hasPortConflict(demand.hostPorts)) return ["node(s) didn't have free ports for the requested pod ports"];
  return lackingResources(demand, capacityOf(node), load);
}

function lackingResources(demand: Demand, capacity: ReturnType<typeof capacityOf>, load: NodeLoad): readonly string[] {
  return [
    ...(load.pods + 1 > capacity.pods ? ['Too many pods'] : []),
    ...(demand.cpuMillis > 0 && load.cpuMillis + demand.cpuMillis > capacity.cpuMillis ? ['Insufficient cpu'] : []),
    ...(demand.memory > 0 && load.memory + demand.memory > capacity.memory ? ['Insufficient memory'] : []),
  ];
}

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** A node that has not said it is ready is tainted so, whether or not somebody has written that down yet. */
function taintsOf(node: Node): readonly Taint[] {
  const taints = node.spec.taints ?? [];
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return ready ? taints : [...taints, NOT_READY];
}

/** What the Pods that are there have to say. */
export interface Surroundings {
  readonly affinity: Pick<AffinityView, 'preference'>;
  readonly spread: Pick<SpreadView, 'crowd'>;
}

const ALONE: Surroundings = { affinity: { preference: () => 0 }, spread: { crowd: () => 0 } };

/**
 * Of the nodes that a Pod fits, the one to take: preferred taints, topology spread and affinities first, then the
 * fewest Pods of the same owner, then the lightest load, then the fewest Pods, then by name.
 */
export function bestNode(
  pod: Pod,
  candidates: readonly Candidate[],
  surroundings: Surroundings = ALONE,
): Candidate | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, rank: rankOf(pod, candidate, surroundings) }));
  ranked.sort(
    (a, b) =>
      compareRanks(a.rank, b.rank) || (a.candidate.node.metadata.name < b.candidate.node.metadata.name ? -1 : 1),
  );
  return ranked[0]?.candidate;
}

function rankOf(pod: Pod, candidate: Candidate, { affinity: near, spread }: Surroundings): readonly number[] {
  const { node, load } = candidate;
  const { tolerations = [], affinity } = pod.spec;
  const disliked = taintsOf(node).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations),
  );
  const preferred = (affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter(({ preference }) => matchesTerm(preference, node))
    .reduce((sum, { weight }) => sum + weight, 0);
  const capacity = capacityOf(node);
  const share = (used: number, total: number): number => (Number.isFinite(total) && total > 0 ? used / total : 0);
  const used = share(load.scoredCpuMillis, capacity.cpuMillis) + share(load.scoredMemory, capacity.memory);
  const liked = preferred + near.preference(candidate);
  return [disliked.length, spread.crowd(candidate), -liked, load.ofOwner(pod), used, load.pods];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: ...` */
export function unschedulableMessage(reasons: readonly (readonly string[])[]): string {
  if (reasons.length === 0) return 'no nodes available to schedule pods';
  const total = reasons.length;
  const hopeless = reasons.filter((list) => !list.some((reason) => isCurable(reason))).length;
  const preemption = histogram([
    ...Array.from({ length: hopeless }, () => 'Preemption is not helpful for scheduling'),
    ...Array.from({ length: total - hopeless }, () => 'No preemption victims found for incoming pod'),
  ]);
  return (
    `0/${total} nodes are available: ${histogram(reasons.flat())}. ` +
    `preemption: 0/${total} nodes are available: ${preemption}.`
  );
}

/** Of a Pod that fits no node whatever, for a reason of its own. */
export function hopelessMessage(reason: string, nodes: number): string {
  const none = `0/${nodes} nodes are available: `;
  return `${none}${reason}. preemption: ${none}${nodes} Preemption is not helpful for scheduling.`;
}

/** Whether it would help if other Pods went. */
function isCurable(reason: string): boolean {
  const isFull = reason.startsWith('Insufficient') || reason === 'Too many pods' || reason.includes('free ports');
  return isFull || reason.includes('anti-affinity') || reason.endsWith('topology spread constraints');
}

function histogram(reasons: readonly string[]): string {
  return [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, { length }]) => `${length} ${reason}`)
    .sort()
    .join(', ');
}

import { type Node, type NodeSelectorTerm, type Pod, type Taint, type Toleration } from '#api/generated/types.ts';
import { hasLabels, matchesNodeRequirement } from './selectors.ts';
import { capacityOf, type Demand, type NodeLoad } from './scheduler-node.ts';

export interface Candidate {
  readonly node: Node;
  readonly load: NodeLoad;
}

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
  if (!matchesNode(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];
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

function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(({ key = '', operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== taint.effect) return false;
    if (key === '') return operator === 'Exists';
    if (key !== taint.key) return false;
    return operator === 'Exists' || value === (taint.value ?? '');
  });
}

function matchesNode(pod: Pod, node: Node): boolean {
  if (!hasLabels(pod.spec.nodeSelector ?? {}, node.metadata.labels)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** An empty term matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => matchesNodeRequirement(requirement, node.metadata.labels)) &&
    matchFields.every((requirement) => matchesNodeRequirement(requirement, fields))
  );
}

/**
 * Of the nodes that a Pod fits, the one to take: preferred taints and affinities first, then the fewest Pods of the same
 * owner, then the lightest load, then the fewest Pods, then by name.
 */
export function bestNode(pod: Pod, candidates: readonly Candidate[]): Candidate | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, rank: rankOf(pod, candidate) }));
  ranked.sort(
    (a, b) =>
      compareRanks(a.rank, b.rank) || (a.candidate.node.metadata.name < b.candidate.node.metadata.name ? -1 : 1),
  );
  return ranked[0]?.candidate;
}

function rankOf(pod: Pod, { node, load }: Candidate): readonly number[] {
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
  return [disliked.length, -preferred, load.ofOwner(pod), used, load.pods];
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

/** Whether it would help if other Pods went. */
function isCurable(reason: string): boolean {
  return reason.startsWith('Insufficient') || reason === 'Too many pods' || reason.includes('free ports');
}

function histogram(reasons: readonly string[]): string {
  return [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, { length }]) => `${length} ${reason}`)
    .sort()
    .join(', ');
}

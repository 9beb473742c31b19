import type { Pod } from '#api/generated/types.ts';
import { isTolerated, matchesTerm } from '#api/pod/node-fit.ts';
import { capacityOf } from '#api/pod/demand.ts';
import { type Applicant, taintsOf } from './fit.ts';
import type { Candidate } from './node-load.ts';

/**
 * Of the nodes that a Pod fits, the one to take: each aspect from 0 to 100, weighed as upstream's default profile does
 * (pkg/scheduler/apis/config/v1/default_plugins.go of v1.34). What is left equal is decided by the fewest Pods of the
 * same owner, the fewest Pods, and the name, so that a decision can be told beforehand.
 */
export function bestNode(applicant: Applicant, candidates: readonly Candidate[]): Candidate | undefined {
  if (candidates.length <= 1) return candidates[0];
  const { pod, affinity, spread } = applicant;
  const aspects: readonly (readonly [weight: number, scores: readonly number[]])[] = [
    [3, lessIsBetter(candidates.map((candidate) => dislikedTaints(pod, candidate)))],
    [2, upToMost(candidates.map((candidate) => nodePreference(pod, candidate)))],
    [2, spreadScores(spread.crowds(candidates))],
    [2, betweenExtremes(candidates.map((candidate) => affinity.preference(candidate)))],
    [1, candidates.map((candidate) => freeShare(applicant, candidate))],
    [1, candidates.map((candidate) => balance(applicant, candidate))],
  ];
  const ranked = candidates.map((candidate, i) => ({
    candidate,
    score: aspects.reduce((sum, [weight, scores]) => sum + weight * Math.trunc(scores[i] ?? 0), 0),
  }));
  ranked.sort(
    (a, b) =>
      b.score - a.score ||
      a.candidate.load.ofOwner(pod) - b.candidate.load.ofOwner(pod) ||
      a.candidate.load.pods - b.candidate.load.pods ||
      (a.candidate.node.metadata.name < b.candidate.node.metadata.name ? -1 : 1),
  );
  return ranked[0]?.candidate;
}

function dislikedTaints({ spec: { tolerations = [] } }: Pod, { node }: Candidate): number {
  const disliked = taintsOf(node).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations),
  );
  return disliked.length;
}

function nodePreference({ spec }: Pod, { node }: Candidate): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => (matchesTerm(preference, node) ? sum + weight : sum), 0);
}

/** LeastAllocated, over cpu and memory. */
function freeShare({ demand }: Applicant, { node, load }: Candidate): number {
  const capacity = capacityOf(node);
  const free = (wanted: number, total: number): number =>
    Number.isFinite(total) && total > 0 ? Math.max(0, Math.trunc(((total - wanted) * 100) / total)) : 0;
  const cpu = free(load.scoredCpuMillis + demand.scoredCpuMillis, capacity.cpuMillis);
  return (cpu + free(load.scoredMemory + demand.scoredMemory, capacity.memory)) / 2;
}

/** NodeResourcesBalancedAllocation: cpu and memory used alike. Nothing is to be said of a Pod that asks for neither. */
function balance({ demand }: Applicant, { node, load }: Candidate): number {
  if (demand.cpuMillis === 0 && demand.memory === 0) return 0;
  const capacity = capacityOf(node);
  const share = (used: number, total: number): number => (total > 0 ? Math.min(1, used / total) : 0);
  const cpu = share(load.cpuMillis + demand.cpuMillis, capacity.cpuMillis);
  const memory = share(load.memory + demand.memory, capacity.memory);
  return (1 - Math.abs(cpu - memory) / 2) * 100;
}

function upToMost(values: readonly number[]): readonly number[] {
  const most = Math.max(...values);
  return most === 0 ? values : values.map((value) => (100 * value) / most);
}

function lessIsBetter(values: readonly number[]): readonly number[] {
  const most = Math.max(...values);
  return values.map((value) => (most === 0 ? 100 : 100 - (100 * value) / most));
}

function betweenExtremes(values: readonly number[]): readonly number[] {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values.map((value) => (range === 0 ? 0 : (100 * (value - least)) / range));
}

/** A node that is outside of a domain gets nothing. */
function spreadScores(crowds: readonly (number | undefined)[]): readonly number[] {
  const counted = crowds.filter((crowd) => crowd !== undefined);
  const most = Math.max(0, ...counted);
  const least = Math.min(...counted);
  return crowds.map((crowd) => {
    if (crowd === undefined) return 0;
    return most === 0 ? 100 : (100 * (most + least - crowd)) / most;
  });
}

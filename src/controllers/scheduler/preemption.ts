import type { Pod, PodDisruptionBudget } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { isTerminating } from '../pod-state.ts';
import { matchesSelector } from '#api/selectors.ts';
import type { ClaimView } from './claims.ts';
import { applicantFor, type Surroundings } from './cycle.ts';
import { refusalOf } from './fit.ts';
import type { Candidate } from './node-load.ts';
import { NO_VICTIMS, preemptionMessage, type Refusal } from './refusal.ts';

export interface PreemptionInput {
  readonly pod: Pod;
  readonly claims: ClaimView;
  readonly around: Surroundings;
  readonly refusals: readonly (Refusal | undefined)[];
  readonly budgets: readonly PodDisruptionBudget[];
}

export type Preemption =
  | { readonly kind: 'evict'; readonly candidate: Candidate; readonly victims: readonly Pod[] }
  /** `waits`: victims are on their way out already. */
  | { readonly kind: 'none'; readonly message: string; readonly waits?: true | undefined };

interface Option {
  readonly candidate: Candidate;
  /** The most important one first. */
  readonly victims: readonly Pod[];
  /** Victims whose budget does not allow it. */
  readonly violations: number;
}

export function priorityOf({ spec }: Pod): number {
  return spec.priority ?? 0;
}

/**
 * Whom to push out so that the Pod fits somewhere. Models DefaultPreemption of v1.34
 * (pkg/scheduler/framework/plugins/defaultpreemption): the fewest and least important victims, budgets kept where
 * possible.
 */
export function planPreemption(input: PreemptionInput): Preemption {
  const { pod, around, refusals } = input;
  if (pod.spec.preemptionPolicy === 'Never') return none('not eligible due to preemptionPolicy=Never.');
  if (isWaitingForVictims(input)) {
    return { ...none('not eligible due to a terminating pod on the nominated node.'), waits: true };
  }
  const options: Option[] = [];
  const failures: (readonly string[])[] = [];
  around.candidates.forEach((candidate, i) => {
    if (refusals[i]?.curable !== true) return;
    const option = optionOn(candidate, input);
    if ('reasons' in option) failures.push(option.reasons);
    else options.push(option);
  });
  const best = options.sort(compareOptions)[0];
  if (best === undefined) {
    return none(
      preemptionMessage(
        refusals.filter((refusal) => refusal !== undefined),
        failures,
      ),
    );
  }
  return { kind: 'evict', candidate: best.candidate, victims: best.victims };
}

function none(message: string): Extract<Preemption, { kind: 'none' }> {
  return { kind: 'none', message };
}

function isWaitingForVictims({ pod, around, refusals }: PreemptionInput): boolean {
  const { nominatedNodeName } = pod.status ?? {};
  const index = around.candidates.findIndex(({ node }) => node.metadata.name === nominatedNodeName);
  if (index < 0 || refusals[index]?.curable === false) return false;
  const placed = around.candidates[index]?.load.placed ?? [];
  return placed.some((other) => priorityOf(other) < priorityOf(pod) && isPreempted(other));
}

function isPreempted(pod: Pod): boolean {
  const target = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return isTerminating(pod) && target?.status === 'True' && target.reason === 'PreemptionByScheduler';
}

/** All that are less important go, then as many as possible come back. */
function optionOn(candidate: Candidate, input: PreemptionInput): Option | { readonly reasons: readonly string[] } {
  const { pod, claims, around, budgets } = input;
  const lesser = candidate.load.placed.filter((other) => priorityOf(other) < priorityOf(pod));
  if (lesser.length === 0) return { reasons: [NO_VICTIMS] };
  const refusalWithout = (gone: readonly Pod[]): Refusal | undefined => {
    const trimmed = { node: candidate.node, load: candidate.load.altered(gone, []) };
    const candidates = around.candidates.map((other) => (other === candidate ? trimmed : other));
    return refusalOf(applicantFor(pod, claims, { ...around, candidates }), trimmed);
  };
  const refusal = refusalWithout(lesser);
  if (refusal !== undefined) return { reasons: refusal.reasons };
  const { violating, others } = splitByBudgets(lesser.sort(byImportance), budgets);
  const gone = new Set(lesser);
  let violations = 0;
  for (const candidateVictim of [...violating, ...others]) {
    gone.delete(candidateVictim);
    if (refusalWithout([...gone]) === undefined) continue;
    gone.add(candidateVictim);
    if (violating.includes(candidateVictim)) violations++;
  }
  return { candidate, victims: lesser.filter((other) => gone.has(other)), violations };
}

function startedAt({ status, metadata }: Pod): number {
  return Date.parse(status?.startTime ?? metadata.creationTimestamp);
}

/** Higher priority first, then who has run the longest. */
function byImportance(a: Pod, b: Pod): number {
  return priorityOf(b) - priorityOf(a) || startedAt(a) - startedAt(b) || (objectKey(a) < objectKey(b) ? -1 : 1);
}

function splitByBudgets(
  pods: readonly Pod[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: readonly Pod[]; readonly others: readonly Pod[] } {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of budgets) {
      const selector = budget.spec.selector;
      if (budget.metadata.namespace !== pod.metadata.namespace || selector === undefined) continue;
      if (pod.metadata.labels === undefined || !matchesSelector(selector, pod.metadata.labels)) continue;
      // It was counted when its eviction was agreed to.
      if (budget.status?.disruptedPods?.[pod.metadata.name] !== undefined) continue;
      const allowed = (left.get(budget) ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}

/** Fewest violated budgets, least important victims, fewest of them, and those that run the shortest. */
function compareOptions(a: Option, b: Option): number {
  const highest = ({ victims }: Option): number => Math.max(...victims.map(priorityOf));
  // Shifted, so that few of a negative priority are better than many.
  const sum = ({ victims }: Option): number => victims.reduce((total, pod) => total + priorityOf(pod) + 2 ** 31, 0);
  const earliest = (option: Option): number =>
    Math.min(...option.victims.filter((pod) => priorityOf(pod) === highest(option)).map(startedAt));
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliest(b) - earliest(a)
  );
}

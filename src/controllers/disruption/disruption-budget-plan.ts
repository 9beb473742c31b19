import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api/generated/types.ts';
import { scaledShare } from '#api/int-or-string.ts';
import { isPodReady, isTerminating } from '../pod-state.ts';

/** How long an eviction that was allowed may take to show, before the Pod counts again. */
const DELETION_MS = 120_000;

export interface BudgetState {
  readonly budget: PodDisruptionBudget;
  /** Those that the selector matches. */
  readonly pods: readonly Pod[];
  /** How many Pods their owners are to have altogether. */
  readonly scale: number;
  readonly now: number;
  readonly timestamp: string;
}

const SUFFICIENT = { status: 'True', reason: 'SufficientPods', message: '' };
const INSUFFICIENT = { status: 'False', reason: 'InsufficientPods', message: '' };

/** Whether the budget is about a share of what the owners of its Pods are to have. */
export function countsOwners({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string';
}

/** Where it cannot be said how many Pods there should be, none may go. Models failSafe of v1.34. */
export function failedStatus(
  budget: PodDisruptionBudget,
  message: string,
  timestamp: string,
): PodDisruptionBudgetStatus {
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, observedGeneration } = budget.status ?? {};
  const counts = { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: 0 };
  const verdict = { status: 'False', reason: 'SyncFailed', message, observedGeneration };
  return { ...budget.status, ...counts, conditions: withCondition(budget, verdict, timestamp) };
}

/** Pods without an owner make shares meaningless. The selector is shown as Go prints it. */
export function unmanagedText({ spec }: PodDisruptionBudget): string {
  const { matchLabels, matchExpressions = [] } = spec.selector ?? {};
  const labels = Object.entries(matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const shownLabels = labels.map(([key, value]) => `${key}: ${value},`).join('');
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const selector =
    `&LabelSelector{MatchLabels:map[string]string{${shownLabels}},` +
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}

/** Models trySync and updatePdbStatus of v1.34 (pkg/controller/disruption/disruption.go). */
export function budgetStatus({ budget, pods, scale, now, timestamp }: BudgetState): PodDisruptionBudgetStatus {
  const { expected, desired } = demandOf(budget, pods.length, scale);
  const disrupted = pendingEvictions(budget, pods, now);
  const healthy = pods.filter(
    (pod) => !isTerminating(pod) && isPodReady(pod) && !(pod.metadata.name in disrupted),
  ).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const { generation } = budget.metadata;
  return {
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(budget, allowed > 0 ? SUFFICIENT : INSUFFICIENT, timestamp),
  };
}

function demandOf(
  { spec }: PodDisruptionBudget,
  count: number,
  scale: number,
): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - scaledShare(maxUnavailable, scale, 'up')) };
  }
  // A plain number needs no owners: it also guards Pods that have none.
  if (typeof minAvailable === 'number') return { expected: count, desired: minAvailable };
  return { expected: scale, desired: minAvailable === undefined ? 0 : scaledShare(minAvailable, scale, 'up') };
}

/** Pods whose eviction was allowed and is not seen yet. The API server writes them down when it evicts. */
function pendingEvictions(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  now: number,
): Readonly<Record<string, string>> {
  const living = new Set(pods.filter((pod) => !isTerminating(pod)).map(({ metadata }) => metadata.name));
  const entries = Object.entries(status?.disruptedPods ?? {});
  return Object.fromEntries(entries.filter(([name, time]) => living.has(name) && Date.parse(time) + DELETION_MS > now));
}

/** Ms until an eviction that did not happen is forgotten. */
export function nextExpiryIn({ disruptedPods }: PodDisruptionBudgetStatus, now: number): number | undefined {
  const left = Object.values(disruptedPods ?? {}).map((time) => Date.parse(time) + DELETION_MS - now);
  return left.length === 0 ? undefined : Math.min(...left);
}

function withCondition(
  { metadata, status: before }: PodDisruptionBudget,
  verdict: Pick<Condition, 'status' | 'reason' | 'message' | 'observedGeneration'>,
  timestamp: string,
): readonly Condition[] {
  const old = before?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const others = (before?.conditions ?? []).filter((condition) => condition !== old);
  const condition: Condition = {
    type: 'DisruptionAllowed',
    observedGeneration: metadata.generation ?? 0,
    ...verdict,
    lastTransitionTime: old?.status === verdict.status ? old.lastTransitionTime : timestamp,
  };
  return [...others, condition];
}

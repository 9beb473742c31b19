import { rfc3339 } from '#base/clock.ts';
import type { Condition, Pod, PodDisruptionBudget } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import { matchesLabels, selectorFromObject } from '#api/label-selector.ts';
import type { Status } from '#api/object.ts';
import { podDisruptionBudgets } from '#api/resource.ts';
import { failure, forbiddenStatus, internalError } from '#api/status.ts';
import type { ResourceContext } from '../context.ts';
import { StatusError } from '../status-error.ts';
import { modify, targetOf } from './update.ts';

const TOO_MANY = "Cannot evict pod as it would violate the pod's disruption budget.";
const NOT_YET_SECONDS = 10;
/** Evictions that the controller has not counted yet; more of them would only fill the status. */
const MAX_DISRUPTED = 2_000;

/** Takes one disruption out of the Pod's budget, if it has one. @throws {StatusError} 429 when none is left. */
export async function spendDisruption(context: ResourceContext, pod: Pod, dryRun: boolean): Promise<void> {
  if (!needsBudget(pod)) return;
  const budget = budgetOf(context, pod);
  if (budget === undefined || isSpared(pod, budget)) return;
  const { server, info } = context;
  const { group, version, plural } = podDisruptionBudgets;
  const kind = server.registry.byPlural(group, version, plural) as KindDefinition;
  const at = { ...info, group, version, plural, name: budget.metadata.name, subresource: 'status' };
  const target = {
    ...targetOf({ ...context, kind, info: at, cache: server.storage.cache(podDisruptionBudgets) }),
    // It is the server that counts.
    request: undefined,
  };
  const now = rfc3339(server.clock.now());
  await modify(target, 'status', ({ object }) => spent(object as PodDisruptionBudget, pod, now), dryRun);
}

/** What does not run yet, or not any more, disrupts nobody. */
function needsBudget({ status, metadata }: Pod): boolean {
  const phase = status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending') return false;
  return metadata.deletionTimestamp === undefined;
}

function budgetOf({ server }: ResourceContext, { metadata }: Pod): PodDisruptionBudget | undefined {
  const found: PodDisruptionBudget[] = [];
  for (const { object } of server.storage.cache(podDisruptionBudgets).list(`${metadata.namespace ?? ''}/`)) {
    const budget = object as PodDisruptionBudget;
    if (matchesLabels(selectorFromObject(budget.spec.selector), metadata.labels)) found.push(budget);
  }
  if (found.length <= 1) return found[0];
  const text = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  throw new StatusError(internalError(text));
}

/** A Pod that is not ready is not among the healthy ones that the budget keeps. */
function isSpared({ status }: Pod, { spec, status: counted }: PodDisruptionBudget): boolean {
  if (status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True') return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = counted ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function spent(budget: PodDisruptionBudget, pod: Pod, now: string): PodDisruptionBudget {
  checkBudget(budget);
  const { status } = budget;
  const { disruptionsAllowed = 0, disruptedPods = {} } = status ?? {};
  const left = disruptionsAllowed - 1;
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: left,
      disruptedPods: { ...disruptedPods, [pod.metadata.name]: now },
      conditions: left > 0 ? (status?.conditions ?? []) : withoutDisruptions(budget, now),
    },
  };
}

/** @throws {StatusError} where nothing may be spent now. */
function checkBudget(budget: PodDisruptionBudget): void {
  const { metadata, status } = budget;
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods = {} } = status ?? {};
  if (observedGeneration < (metadata.generation ?? 0)) {
    throw tooMany(`The disruption budget ${metadata.name} is still being processed by the server.`, NOT_YET_SECONDS);
  }
  if (disruptionsAllowed < 0) throw refused(budget, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED) {
    throw refused(budget, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (disruptionsAllowed > 0) return;
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  throw tooMany(
    `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
  );
}

function withoutDisruptions({ status, metadata }: PodDisruptionBudget, now: string): readonly Condition[] {
  const before = (status?.conditions ?? []).find(({ type }) => type === 'DisruptionAllowed');
  const others = (status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed');
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now;
  const of = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '' } as const;
  return [...others, { ...of, lastTransitionTime, observedGeneration: metadata.generation }];
}

function tooMany(why: string, retryAfterSeconds?: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message: why }];
  const details: Status['details'] = retryAfterSeconds === undefined ? { causes } : { causes, retryAfterSeconds };
  return new StatusError(failure(429, TOO_MANY, { reason: 'TooManyRequests', details }));
}

function refused({ metadata }: PodDisruptionBudget, why: string): StatusError {
  return new StatusError(forbiddenStatus(podDisruptionBudgets, metadata.name, why));
}

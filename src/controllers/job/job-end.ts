import { rfc3339 } from '#base/clock.ts';
import type { Job, JobCondition, Pod } from '#api/generated/types.ts';
import { judgeFailure } from './failure-policy.ts';
import { isPodActive } from '../pod-state.ts';
import type { JobCount } from './job-count.ts';
import { parseIndexes } from './job-indexes.ts';
import { countsAsFailed } from './job-pod.ts';

/** How a Job ends, decided before its last Pods are gone. */
export interface JobEnd {
  readonly kind: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** Holds from the decision on, until the Pods are gone and the end itself is noted. */
const TARGETS = { Complete: 'SuccessCriteriaMet', Failed: 'FailureTarget' } as const;

export function jobCondition(job: Pick<Job, 'status'>, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** The condition that the Job has ended with. */
export function finishedCondition(job: Job): JobCondition | undefined {
  return jobCondition(job, 'Complete') ?? jobCondition(job, 'Failed');
}

/** What was decided before. */
export function decidedEnd(job: Job): JobEnd | undefined {
  for (const kind of ['Failed', 'Complete'] as const) {
    const { reason = '', message = '' } = jobCondition(job, TARGETS[kind]) ?? jobCondition(job, kind) ?? {};
    if (reason !== '') return { kind, reason, message };
  }
  return undefined;
}

/** A failure that is due now, if any. Models syncJob of v1.34. */
export function failureOf(job: Job, count: JobCount, pods: readonly Pod[], now: number): JobEnd | undefined {
  const { backoffLimit = 6 } = job.spec;
  const fatal = pods.filter((pod) => countsAsFailed(job, pod)).map((pod) => judgeFailure(job, pod).message);
  const message = fatal.find((text) => text !== undefined);
  if (message !== undefined) return { kind: 'Failed', reason: 'PodFailurePolicy', message };
  if (count.failed > backoffLimit || restartsTooOften(job, pods.filter(isPodActive))) {
    const why = 'Job has reached the specified backoff limit';
    return { kind: 'Failed', reason: 'BackoffLimitExceeded', message: why };
  }
  const left = deadlineIn(job, now);
  if (left === undefined || left > 0) return indexFailure(job, count);
  return { kind: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
}

/** Too many indexes have failed, or one has and no other is open any more. */
function indexFailure({ spec }: Job, { indexes, completed }: JobCount): JobEnd | undefined {
  const failed = indexes.failed.size;
  if (failed > (spec.maxFailedIndexes ?? Infinity)) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return { kind: 'Failed', reason: 'MaxFailedIndexesExceeded', message };
  }
  if (failed === 0 || failed + completed.size < (spec.completions ?? 0)) return undefined;
  return { kind: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
}

/** Enough of the right indexes have succeeded. Models success_policy.go of v1.34. */
export function policySuccess({ spec }: Job, { completed }: JobCount): JobEnd | undefined {
  if (spec.completionMode !== 'Indexed' || completed.size === 0) return undefined;
  const rules = spec.successPolicy?.rules ?? [];
  const met = rules.findIndex(({ succeededIndexes, succeededCount = Infinity }) => {
    if (succeededIndexes === undefined) return completed.size >= succeededCount;
    const wanted = [...parseIndexes(succeededIndexes)].filter((index) => index < (spec.completions ?? 0));
    const done = wanted.filter((index) => completed.has(index)).length;
    return wanted.length > 0 && (done === wanted.length || done >= succeededCount);
  });
  if (met < 0) return undefined;
  return { kind: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${met}` };
}

/** Containers that the node restarts count as well. */
function restartsTooOften({ spec }: Job, active: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const { backoffLimit = 6 } = spec;
  const statuses = active.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

/** It goes on, and its status does not say so yet. */
export function isResuming(job: Pick<Job, 'spec' | 'status'>): boolean {
  return job.spec.suspend !== true && jobCondition(job, 'Suspended') !== undefined;
}

/** Ms until the Job has taken too long; undefined where it may take for ever or stands still. */
export function deadlineIn({ spec, status }: Job, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || spec.suspend === true) return undefined;
  const started = status?.startTime === undefined || isResuming({ spec, status }) ? now : Date.parse(status.startTime);
  return started + spec.activeDeadlineSeconds * 1000 - now;
}

/** Without a number of completions the first success decides, and what still runs may finish. */
export function successOf({ spec }: Job, count: JobCount, active: number): JobEnd | undefined {
  const reached = spec.completions === undefined ? count.succeeded > 0 : count.succeeded >= spec.completions;
  if (!reached || active > 0) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { kind: 'Complete', reason: 'CompletionsReached', message };
}

/** `isGone`: no Pod is left that runs or is not counted. */
export function endConditions(
  job: Job,
  end: JobEnd | undefined,
  isGone: boolean,
  now: number,
): readonly JobCondition[] {
  const conditions = suspension(job, job.status?.conditions ?? [], now);
  if (end === undefined) return conditions;
  const { kind, reason, message } = end;
  const wanted = isGone ? [TARGETS[kind], kind] : [TARGETS[kind]];
  const missing = wanted.filter((type) => !conditions.some((condition) => condition.type === type));
  return [...conditions, ...missing.map((type) => newCondition(type, 'True', reason, message, now))];
}

function suspension(job: Job, conditions: readonly JobCondition[], now: number): readonly JobCondition[] {
  const before = conditions.find(({ type }) => type === 'Suspended');
  const wanted = job.spec.suspend === true ? 'True' : 'False';
  if (finishedCondition(job) !== undefined || (before?.status ?? 'False') === wanted) return conditions;
  const [reason, message] = wanted === 'True' ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  const next = newCondition('Suspended', wanted, reason, message, now);
  return before === undefined ? [...conditions, next] : conditions.map((old) => (old === before ? next : old));
}

function newCondition(type: string, status: string, reason: string, message: string, now: number): JobCondition {
  const time = rfc3339(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

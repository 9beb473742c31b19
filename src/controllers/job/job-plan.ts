import { rfc3339 } from '#base/clock.ts';
import type { Job, JobStatus, Pod } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { countPods, type JobCount } from './job-count.ts';
import {
  deadlineIn,
  decidedEnd,
  endConditions,
  failureOf,
  finishedCondition,
  isResuming,
  policySuccess,
  type JobEnd,
  successOf,
} from './job-end.ts';
import { failureCounts, failuresBefore, hasIndexLimit } from './index-failures.ts';
import { freeIndexes } from './job-indexes.ts';
import { completionIndex, finishTime, isIndexed, jobPod } from './job-pod.ts';
import { endsOf, failuresSince, type PodEnd } from './pod-ends.ts';
import { isPodActive, isPodFinished, isPodReady, isTerminating } from '../pod-state.ts';
import { deletionOrder } from '../replica-set/replica-set-plan.ts';

/** A Pod that failed is made anew after this time, twice as long after each further failure. */
const BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 600_000;
const BURST = 500;

export interface JobPlan {
  /** But for the Pods that are made now, which count as active. */
  readonly status: JobStatus;
  readonly create: readonly NewObject<Pod>[];
  /** Not wanted any more: they go uncounted. */
  readonly discard: readonly Pod[];
  /** Ended by force: they count as failed. */
  readonly kill: readonly Pod[];
  /** Counted once the status is written. */
  readonly release: readonly Pod[];
  /** Its time after the end is over. */
  readonly expired: boolean;
  /** Ms until time alone changes something. */
  readonly wait: number | undefined;
}

interface Moves {
  readonly create: readonly NewObject<Pod>[];
  readonly discard: readonly Pod[];
  readonly wait: number | undefined;
}

const NONE: Moves = { create: [], discard: [], wait: undefined };

/** `gone`: ends of Pods that are there no more. Models syncJob of v1.34 (pkg/controller/job/job_controller.go). */
export function planJob(job: Job, pods: readonly Pod[], now: number, gone: readonly PodEnd[] = []): JobPlan {
  const active = pods.filter((pod) => isPodActive(pod));
  const before = decidedEnd(job);
  const known = countPods(job, pods, before?.kind);
  const verdict = before ?? newVerdict(job, known, pods, now);
  const isNews = verdict !== before;
  // What is ended now is counted at once, as what it was: later it would look like a failure of its own.
  const count = isNews ? countPods(job, pods, verdict?.kind, known.indexes) : known;
  const moves =
    verdict === undefined && !isTerminating(job) ? planMoves({ job, pods, active, count, now, gone }) : NONE;
  const kill = verdict === undefined ? [] : active;
  const left = active.length - kill.length - moves.discard.length;
  const end = verdict ?? successOf(job, count, left + moves.create.length);
  const terminating = pods.filter((pod) => isTerminating(pod) && !isPodFinished(pod)).length;
  const isGone = left === 0 && terminating + kill.length + moves.discard.length === 0 && count.isSettled;
  const ttl = ttlIn(job, now);
  return {
    status: statusOf(job, {
      count,
      end,
      isGone,
      left: active.filter((pod) => !moves.discard.includes(pod)),
      kill,
      terminating,
      now,
    }),
    create: moves.create,
    discard: moves.discard,
    kill,
    release: count.release,
    expired: ttl !== undefined && ttl <= 0,
    wait: soonest(moves.wait, end === undefined ? deadlineIn(job, now) : undefined, ttl),
  };
}

function newVerdict(job: Job, count: JobCount, pods: readonly Pod[], now: number): JobEnd | undefined {
  return isTerminating(job) ? undefined : (failureOf(job, count, pods, now) ?? policySuccess(job, count));
}

function soonest(...waits: readonly (number | undefined)[]): number | undefined {
  const due = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  return due.length === 0 ? undefined : Math.min(...due);
}

interface Outcome {
  readonly count: JobCount;
  readonly end: JobEnd | undefined;
  readonly isGone: boolean;
  readonly left: readonly Pod[];
  readonly kill: readonly Pod[];
  readonly terminating: number;
  readonly now: number;
}

function statusOf(job: Job, { count, end, isGone, left, kill, terminating, now }: Outcome): JobStatus {
  const conditions = endConditions(job, end, isGone, now);
  const kept = left.filter((pod) => !kill.includes(pod));
  const counters = { active: kept.length, succeeded: count.status.succeeded, failed: count.status.failed };
  const complete = conditions.find(({ type, status }) => type === 'Complete' && status === 'True');
  const startTime = startTimeOf(job, now);
  return {
    // A count of none is left out, as the API has it.
    ...Object.fromEntries(Object.entries(counters).filter(([, value]) => value > 0)),
    ready: kept.filter((pod) => isPodReady(pod)).length,
    terminating: terminating + kill.length,
    uncountedTerminatedPods: count.status.uncountedTerminatedPods,
    ...(count.status.completedIndexes === undefined ? {} : { completedIndexes: count.status.completedIndexes }),
    ...(count.status.failedIndexes === undefined ? {} : { failedIndexes: count.status.failedIndexes }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(complete === undefined ? {} : { completionTime: job.status?.completionTime ?? complete.lastTransitionTime }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** Of a Job that goes on it is when it did. */
function startTimeOf(job: Job, now: number): string | undefined {
  const before = job.status?.startTime;
  if (job.spec.suspend === true) return before;
  return before === undefined || isResuming(job) ? rfc3339(now) : before;
}

interface Situation {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly count: JobCount;
  readonly now: number;
  readonly gone: readonly PodEnd[];
}

/** Pods to be made and given up so that as many run as should. Models manageJob of v1.34. */
function planMoves({ job, pods, active, count, now, gone }: Situation): Moves {
  if (job.spec.suspend === true) return { create: [], discard: active, wait: undefined };
  const wanted = wantedActive(job, active.length, count.succeeded);
  const discard = surplus(job, active, wanted, count, now);
  const left = active.filter((pod) => !discard.includes(pod));
  const terminating = pods.filter((pod) => isTerminating(pod) && !isPodFinished(pod)).length;
  const held = job.spec.podReplacementPolicy === 'Failed' ? terminating : 0;
  const missing = Math.min(wanted - left.length - held, BURST);
  if (missing <= 0) return { create: [], discard, wait: undefined };
  const wait = hasIndexLimit(job) ? 0 : backoffIn([...gone, ...endsOf(job, pods)], now);
  if (wait > 0) return { create: [], discard, wait };
  if (!isIndexed(job))
    return { create: Array.from({ length: missing }, () => jobPod(job, undefined)), discard, wait: undefined };
  const leaving = job.spec.podReplacementPolicy === 'Failed' ? pods.filter((pod) => isTerminating(pod)) : [];
  const busy = [...left, ...leaving].map((pod) => completionIndex(pod));
  const taken = new Set([...count.completed, ...count.indexes.failed, ...busy]);
  const create = nextIndexes(job, missing, taken, count.indexes.held, now);
  return { create: create.pods, discard, wait: create.wait };
}

/** Each index that failed waits by itself where it has a limit of its own. */
function nextIndexes(
  job: Job,
  missing: number,
  taken: ReadonlySet<number>,
  held: ReadonlyMap<number, Pod>,
  now: number,
): { readonly pods: readonly NewObject<Pod>[]; readonly wait: number | undefined } {
  const waits = new Map<number, number>();
  for (const [index, pod] of held) {
    const left = finishTime(pod) + backoff(failuresBefore(pod) + 1) - now;
    if (left > 0 && !taken.has(index)) waits.set(index, left);
  }
  const indexes = freeIndexes(missing, job.spec.completions ?? 0, new Set([...taken, ...waits.keys()]));
  return {
    pods: indexes.map((index) => jobPod(job, index, failureCounts(job, held.get(index)))),
    wait: waits.size === 0 ? undefined : Math.min(...waits.values()),
  };
}

function backoff(failures: number): number {
  return Math.min(BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
}

function wantedActive({ spec }: Job, active: number, succeeded: number): number {
  const { completions, parallelism = 1 } = spec;
  if (completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** Of two with one index the better stays. */
function surplus(job: Job, active: readonly Pod[], wanted: number, count: JobCount, now: number): readonly Pod[] {
  const ranked = deletionOrder(active, active, now);
  const useless = new Set<Pod>();
  if (isIndexed(job)) {
    const seen = new Set(count.completed);
    for (const pod of [...ranked].reverse()) {
      const index = completionIndex(pod);
      if (index < 0 || index >= (job.spec.completions ?? 0) || seen.has(index)) useless.add(pod);
      seen.add(index);
    }
  }
  const others = ranked.filter((pod) => !useless.has(pod));
  return [...useless, ...others.slice(0, Math.max(0, others.length - wanted))];
}

/** Ms until a Pod may be made again. */
function backoffIn(ends: readonly PodEnd[], now: number): number {
  const since = failuresSince(ends).map(({ at }) => at);
  return since.length === 0 ? 0 : Math.max(...since) + backoff(since.length) - now;
}

/** Ms until a Job that has ended is to be deleted. */
function ttlIn(job: Job, now: number): number | undefined {
  const finished = finishedCondition(job);
  const { ttlSecondsAfterFinished } = job.spec;
  if (finished === undefined || ttlSecondsAfterFinished === undefined || isTerminating(job)) return undefined;
  return (
    Date.parse(finished.lastTransitionTime ?? job.metadata.creationTimestamp) + ttlSecondsAfterFinished * 1000 - now
  );
}

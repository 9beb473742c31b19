import type { Job, Pod } from '#api/generated/types.ts';
import { isPodActive } from '../pod-state.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import { completionIndex, countsAsFailed, finishTime, isTracked } from './job-pod.ts';

/** How often Pods of an index failed before this one, the ignored failures apart. */
const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED = 'batch.kubernetes.io/job-index-ignored-failure-count';

/** What there is to know where each index has a limit of its own. */
export interface IndexFailures {
  readonly failed: ReadonlySet<number>;
  /**
   * By index, the last failed Pod of those that are to have another: it is kept, uncounted, until that one is there and
   * carries on its count.
   */
  readonly held: ReadonlyMap<number, Pod>;
}

export function hasIndexLimit({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed' && spec.backoffLimitPerIndex !== undefined;
}

/** What was known before. */
export function knownFailures({ status }: Job): IndexFailures {
  return { failed: new Set(parseIndexes(status?.failedIndexes)), held: new Map() };
}

/** Models calculateFailedIndexes and getPodsWithDelayedDeletionPerIndex of v1.34 (pkg/controller/job/indexed_job_utils.go). */
export function indexFailures(job: Job, pods: readonly Pod[], completed: ReadonlySet<number>): IndexFailures {
  if (!hasIndexLimit(job)) return knownFailures(job);
  const failed = new Set(knownFailures(job).failed);
  const inRange = (pod: Pod): boolean => {
    const index = completionIndex(pod);
    return index >= 0 && index < (job.spec.completions ?? 0);
  };
  const failures = pods.filter((pod) => isTracked(pod) && inRange(pod) && countsAsFailed(job, pod));
  for (const pod of failures) if (isLast(job, pod)) failed.add(completionIndex(pod));
  const busy = new Set(pods.filter((pod) => isPodActive(pod)).map((pod) => completionIndex(pod)));
  const held = new Map<number, Pod>();
  for (const pod of failures) {
    const index = completionIndex(pod);
    if (completed.has(index) || failed.has(index) || busy.has(index)) continue;
    const known = held.get(index);
    if (known === undefined || isLater(pod, known)) held.set(index, pod);
  }
  return { failed, held };
}

function isLater(pod: Pod, than: Pod): boolean {
  return failuresBefore(pod) >= failuresBefore(than) && finishTime(pod) >= finishTime(than);
}

/** Whether the index gets no other Pod after this failure. */
function isLast(job: Job, pod: Pod): boolean {
  const { action } = judgeFailure(job, pod);
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && countOf(pod, FAILURES) >= (job.spec.backoffLimitPerIndex ?? Infinity);
}

function countOf({ metadata }: Pod, annotation: string): number {
  const value = Number(metadata.annotations?.[annotation] ?? 0);
  return Number.isInteger(value) && value >= 0 ? value : 0;
}

/** All of them, the ignored ones too: so long the next one waits. */
export function failuresBefore(pod: Pod): number {
  return countOf(pod, FAILURES) + countOf(pod, IGNORED);
}

/** What the Pod that follows `replaced` carries on; undefined where indexes have no limit. */
export function failureCounts(job: Job, replaced: Pod | undefined): Readonly<Record<string, string>> | undefined {
  if (!hasIndexLimit(job)) return undefined;
  if (replaced === undefined) return { [FAILURES]: '0' };
  const ignored = judgeFailure(job, replaced).action === 'Ignore';
  const failures = countOf(replaced, FAILURES) + (ignored ? 0 : 1);
  const ignoredFailures = countOf(replaced, IGNORED) + (ignored ? 1 : 0);
  return {
    [FAILURES]: String(failures),
    ...(ignoredFailures > 0 ? { [IGNORED]: String(ignoredFailures) } : {}),
  };
}

export function formatFailed(job: Job, { failed }: IndexFailures): string | undefined {
  return hasIndexLimit(job) ? formatIndexes(failed) : undefined;
}

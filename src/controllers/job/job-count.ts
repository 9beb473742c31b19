import type { Job, Pod } from '#api/generated/types.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatFailed, type IndexFailures, indexFailures, knownFailures } from './index-failures.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import { completionIndex, countsAsFailed, isIndexed, isTracked } from './job-pod.ts';

export interface JobCount {
  /** All of them, those included that are not in the counters yet. */
  readonly succeeded: number;
  readonly failed: number;
  /** What the status is to say. */
  readonly status: {
    readonly succeeded: number;
    readonly failed: number;
    readonly completedIndexes: string | undefined;
    readonly failedIndexes: string | undefined;
    readonly uncountedTerminatedPods: { readonly succeeded?: readonly string[]; readonly failed?: readonly string[] };
  };
  readonly completed: ReadonlySet<number>;
  readonly indexes: IndexFailures;
  /** Pods whose end the status tells: they may go. */
  readonly release: readonly Pod[];
  /** Whether every end is in the counters. */
  readonly isSettled: boolean;
}

/**
 * Counts each Pod's end exactly once, whatever is lost on the way: its uid goes into the status, then its finalizer off,
 * and when that is seen the uid becomes a number. Models trackJobStatusAndRemoveFinalizers of v1.34.
 *
 * `over`: the Job's end is decided: all its Pods are being ended, and after a failure each of them is one as well. Which
 * indexes had failed is then `decided`.
 */
export function countPods(
  job: Job,
  pods: readonly Pod[],
  over: 'Complete' | 'Failed' | undefined,
  decided?: IndexFailures,
): JobCount {
  const tracked = new Map(pods.filter((pod) => isTracked(pod)).map((pod) => [pod.metadata.uid, pod]));
  const indexed = isIndexed(job);
  const completed = new Set(indexed ? parseIndexes(job.status?.completedIndexes) : []);
  const { pending, settled } = settle(job, tracked);
  for (const pod of tracked.values()) if (indexed && pod.status?.phase === 'Succeeded') complete(job, pod, completed);
  const indexes = decided ?? (over === undefined ? indexFailures(job, pods, completed) : knownFailures(job));
  const held = new Set(over === undefined ? indexes.held.values() : []);
  const release = [...tracked.values()].filter((pod) => !held.has(pod) && takeNote(job, pod, pending, over));
  return {
    succeeded: indexed ? completed.size : settled.succeeded + pending.succeeded.size,
    failed: settled.failed + pending.failed.size,
    status: {
      succeeded: indexed ? completed.size : settled.succeeded,
      failed: settled.failed,
      completedIndexes: indexed && completed.size > 0 ? formatIndexes(completed) : undefined,
      failedIndexes: formatFailed(job, indexes),
      uncountedTerminatedPods: { ...listOf('succeeded', pending.succeeded), ...listOf('failed', pending.failed) },
    },
    completed,
    indexes,
    release,
    isSettled: pending.succeeded.size + pending.failed.size === 0,
  };
}

interface Pending {
  readonly succeeded: Set<string>;
  readonly failed: Set<string>;
}

/** Of what was noted before: those whose finalizer is still on, and the counters with all the others. */
function settle(
  { status }: Job,
  tracked: ReadonlyMap<string, Pod>,
): { readonly pending: Pending; readonly settled: { readonly succeeded: number; readonly failed: number } } {
  const { succeeded = [], failed = [] } = status?.uncountedTerminatedPods ?? {};
  const held = (uids: readonly string[]): string[] => uids.filter((uid) => tracked.has(uid));
  const pending = { succeeded: new Set(held(succeeded)), failed: new Set(held(failed)) };
  const settled = {
    succeeded: (status?.succeeded ?? 0) + succeeded.length - pending.succeeded.size,
    failed: (status?.failed ?? 0) + failed.length - pending.failed.size,
  };
  return { pending, settled };
}

function isInRange(job: Job, pod: Pod): boolean {
  const index = completionIndex(pod);
  return index >= 0 && index < (job.spec.completions ?? 0);
}

function complete(job: Job, pod: Pod, completed: Set<number>): void {
  if (isInRange(job, pod)) completed.add(completionIndex(pod));
}

/** Whether the Pod has ended; its end is then in `pending`, or in the completed indexes. */
function takeNote(job: Job, pod: Pod, pending: Pending, over: 'Complete' | 'Failed' | undefined): boolean {
  const { uid } = pod.metadata;
  if (pending.failed.has(uid) || pending.succeeded.has(uid)) return true;
  if (pod.status?.phase === 'Succeeded') {
    if (!isIndexed(job)) pending.succeeded.add(uid);
    return true;
  }
  const isFailure = over === 'Failed' || countsAsFailed(job, pod);
  if (!isFailure) return over !== undefined;
  const counts = judgeFailure(job, pod).action !== 'Ignore';
  if (counts && (!isIndexed(job) || isInRange(job, pod))) pending.failed.add(uid);
  return true;
}

function listOf(key: 'succeeded' | 'failed', uids: ReadonlySet<string>): { [K in typeof key]?: readonly string[] } {
  return uids.size === 0 ? {} : { [key]: [...uids] };
}

import { type Job, type Pod } from '#api/generated/types.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import { completionIndex, countsAsFailed, isIndexed, isTracked } from './job-pod.ts';
import { isTerminating } from './pod-state.ts';

export interface JobCount {
  /** All of them, those included that are not in the counters yet. */
  readonly succeeded: number;
  readonly failed: number;
  /** What the status is to say. */
  readonly status: {
    readonly succeeded: number;
    readonly failed: number;
    readonly completedIndexes: string | undefined;
    readonly uncountedTerminatedPods: { readonly succeeded?: readonly string[]; readonly failed?: readonly string[] };
  };
  readonly completed: ReadonlySet<number>;
  /** Pods whose end the status tells: they may go. */
  readonly release: readonly Pod[];
  /** Whether every end is in the counters. */
  readonly isSettled: boolean;
}

/**
 * Counts each Pod's end exactly once, whatever is lost on the way: its uid goes into the status, then its finalizer off,
 * and when that is seen the uid becomes a number. Models trackJobStatusAndRemoveFinalizers of v1.34.
 *
 * `isOver`: the Job's end is decided, so a Pod that still runs is a failure.
 */
export function countPods(job: Job, pods: readonly Pod[], isOver: boolean): JobCount {
  const tracked = new Map(pods.filter((pod) => isTracked(pod)).map((pod) => [pod.metadata.uid, pod]));
  const indexed = isIndexed(job);
  const completed = new Set(indexed ? parseIndexes(job.status?.completedIndexes) : []);
  const { pending, settled } = settle(job, tracked);
  const release = [...tracked.values()].filter((pod) => takeNote(job, pod, pending, completed, isOver));
  return {
    succeeded: indexed ? completed.size : settled.succeeded + pending.succeeded.size,
    failed: settled.failed + pending.failed.size,
    status: {
      succeeded: indexed ? completed.size : settled.succeeded,
      failed: settled.failed,
      completedIndexes: indexed && completed.size > 0 ? formatIndexes(completed) : undefined,
      uncountedTerminatedPods: { ...listOf('succeeded', pending.succeeded), ...listOf('failed', pending.failed) },
    },
    completed,
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

/** Whether the Pod has ended; its end is then in `pending` or `completed`. */
function takeNote(job: Job, pod: Pod, pending: Pending, completed: Set<number>, isOver: boolean): boolean {
  const { uid } = pod.metadata;
  const index = completionIndex(pod);
  const inRange = !isIndexed(job) || (index >= 0 && index < (job.spec.completions ?? 0));
  if (pending.failed.has(uid) || pending.succeeded.has(uid)) return true;
  if (pod.status?.phase === 'Succeeded') {
    if (!isIndexed(job)) pending.succeeded.add(uid);
    else if (inRange) completed.add(index);
    return true;
  }
  if (!countsAsFailed(job, pod) && !(isOver && isTerminating(pod))) return false;
  if (inRange) pending.failed.add(uid);
  return true;
}

function listOf(key: 'succeeded' | 'failed', uids: ReadonlySet<string>): { [K in typeof key]?: readonly string[] } {
  return uids.size === 0 ? {} : { [key]: [...uids] };
}

import type { Job, Pod } from '#api/generated/types.ts';
import { countsAsFailed, finishTime, isTracked } from './job-pod.ts';
import { isTerminating } from '../pod-state.ts';

/** How and when a Pod of a Job ended. */
export interface PodEnd {
  readonly uid: string;
  /** Ms. */
  readonly at: number;
  readonly succeeded: boolean;
}

/** After more failures the next Pod waits no longer. */
const MOST = 16;

/** The Job gave up what is on its way out and not tracked: that is no end of its own. */
export function endsOf(job: Job, pods: readonly Pod[]): readonly PodEnd[] {
  return pods.flatMap((pod) => {
    const succeeded = pod.status?.phase === 'Succeeded';
    if (isTerminating(pod) && !isTracked(pod)) return [];
    if (!succeeded && !countsAsFailed(job, pod)) return [];
    return [{ uid: pod.metadata.uid, at: finishTime(pod), succeeded }];
  });
}

/** The failures that no success came after. */
export function failuresSince(ends: readonly PodEnd[]): readonly PodEnd[] {
  const successes = ends.filter(({ succeeded }) => succeeded).map(({ at }) => at);
  const last = Math.max(-Infinity, ...successes);
  return ends.filter(({ succeeded, at }) => !succeeded && at > last);
}

/**
 * Remembers failures whose Pods are gone or released, for as long as this process lives: who deletes a Pod that has failed does not
 * undo that it has.
 */
export class PodEnds {
  readonly #byJob = new Map<string, readonly PodEnd[]>();

  /** Takes note of what is seen now; returns the ends of Pods that are not seen any more. */
  gone(job: Job, pods: readonly Pod[]): readonly PodEnd[] {
    const { uid } = job.metadata;
    const seen = endsOf(job, pods);
    const there = new Set(seen.map((end) => end.uid));
    const gone = (this.#byJob.get(uid) ?? []).filter((end) => !there.has(end.uid));
    const kept = failuresSince([...gone, ...seen]);
    if (kept.length === 0) this.#byJob.delete(uid);
    else this.#byJob.set(uid, kept.slice(-MOST));
    return gone;
  }

  forget(job: Job): void {
    this.#byJob.delete(job.metadata.uid);
  }
}

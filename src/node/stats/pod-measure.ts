import type { Usage } from '../cgroup/usage.ts';

/** What the containers of a Pod use at one moment. Times are those of the clock, in milliseconds. */
export interface PodMeasure {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly startedAt: number;
  readonly containers: readonly ContainerMeasure[];
  /** Of the Pod's own interface; none with `hostNetwork`. */
  readonly traffic:
    | { readonly rxBytes: number; readonly rxErrors: number; readonly txBytes: number; readonly txErrors: number }
    | undefined;
}

export interface ContainerMeasure {
  readonly name: string;
  /** Of the run: counters of the next one begin anew. */
  readonly id: string;
  readonly startedAt: number;
  readonly usage: Usage;
}

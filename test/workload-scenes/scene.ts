import type { Stage } from './stage.ts';

/** What happens on the stage, and then all comes to rest and is looked at. */
export type Act = readonly [name: string, play: (stage: Stage) => Promise<unknown>];

/**
 * A little story of workloads in a namespace of its own, told act by act. What there is to be seen after each is in
 * `expected.json`, as kube-controller-manager on kube-apiserver had it.
 */
export interface Scene {
  readonly name: string;
  readonly acts: readonly Act[];
}

export interface SceneOutcome {
  /** Objects after each act, a line each. */
  readonly acts: Readonly<Record<string, readonly string[]>>;
  readonly events: readonly string[];
}

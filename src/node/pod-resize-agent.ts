import { errorMessage } from '#base/errors.ts';
import type { Container, Pod } from '#api/generated/types.ts';
import { type Demand, demandOf } from '#api/pod/demand.ts';
import type { ContainerAgent } from './container-agent.ts';
import type { Verdict } from './pod/pod-status.ts';
import { type ResizePending, resizeCompleted, sameResources, withAllocated } from './pod/pod-resize.ts';

export interface PodResizeOptions {
  readonly containers: () => readonly ContainerAgent[];
  readonly graceMs: () => number;
  /** Whether the node has room for what the Pod asks for. */
  readonly judge: (pod: Pod) => ResizePending | undefined;
  readonly onCompleted: (message: string) => void;
}

/** When a resize that has to wait for others, or that the kernel refused, is tried again. */
export const RESIZE_RETRY_MS = 5000;

/** How the containers of one Pod come to the resources that it asks for. */
export class PodResize {
  readonly #options: PodResizeOptions;
  #demand: Demand;
  #pending: ResizePending | undefined;
  #failure: string | undefined;

  constructor(pod: Pod, options: PodResizeOptions) {
    this.#options = options;
    this.#demand = this.#measure(pod);
  }

  /** What the Pod takes of the node, which may be less than it asks for. */
  get demand(): Demand {
    return this.#demand;
  }

  get conditions(): readonly Verdict[] {
    const pending = this.#pending && ({ type: 'PodResizePending', status: 'True', ...this.#pending } as const);
    const progress =
      this.#failure === undefined
        ? undefined
        : ({ type: 'PodResizeInProgress', status: 'True', reason: 'Error', message: this.#failure } as const);
    return [pending, progress].filter((verdict) => verdict !== undefined);
  }

  /** Gives what is asked for where it can be. False when it has to be tried again. */
  settle(pod: Pod): boolean {
    const wanted = new Map([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((one) => [one.name, one]));
    const changed = this.#options.containers().flatMap((container): [ContainerAgent, Container][] => {
      const next = wanted.get(container.spec.name);
      return next === undefined || sameResources(next.resources, container.spec.resources) ? [] : [[container, next]];
    });
    this.#pending = changed.length === 0 ? undefined : this.#options.judge(pod);
    this.#failure = undefined;
    if (changed.length === 0) return true;
    if (this.#pending !== undefined) return this.#pending.reason === 'Infeasible';
    try {
      for (const [container, next] of changed) container.reallocate(pod, next, this.#options.graceMs());
    } catch (error) {
      this.#failure = errorMessage(error);
    }
    this.#demand = this.#measure(pod);
    if (this.#failure === undefined) this.#options.onCompleted(resizeCompleted(pod));
    return this.#failure === undefined;
  }

  #measure(pod: Pod): Demand {
    const agents = this.#options.containers();
    return demandOf(withAllocated(pod, (name) => agents.find(({ spec }) => spec.name === name)?.spec.resources));
  }
}

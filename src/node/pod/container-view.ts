import type { ContainerState, ContainerStateTerminated, ResourceRequirements } from '#api/generated/types.ts';
import { rfc3339 } from '#base/clock.ts';

/**
 * `init` runs to its end before the next starts; `sidecar` starts in the same order and stays. `ephemeral` was added to a
 * running Pod, runs once, and counts for nothing.
 */
export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface Waiting {
  readonly kind: 'waiting';
  readonly reason: string;
  readonly message?: string | undefined;
}

export interface Running {
  readonly kind: 'running';
  readonly startedAt: number;
}

export interface Terminated {
  readonly kind: 'terminated';
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string | undefined;
  /** These are 0 where nobody knows. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly id: string | undefined;
}

export function ended(
  exitCode: number,
  reason: string,
  startedAt: number,
  finishedAt: number,
  id: string | undefined,
): Terminated {
  return { kind: 'terminated', exitCode, reason, startedAt, finishedAt, id };
}

/** A container as planning and status see it, at one moment. */
export interface ContainerView {
  readonly name: string;
  readonly image: string;
  readonly kind: ContainerKind;
  readonly state: Waiting | Running | Terminated;
  /** How it ended the last time it ran before. */
  readonly last: Terminated | undefined;
  readonly restarts: number;
  /** What its readiness probe says; true without one. */
  readonly ready: boolean;
  /** What its startup probe says; true without one. */
  readonly started: boolean;
  /** It runs, but its postStart hook does so, too, and those after it wait. */
  readonly inHook: boolean;
  /** What is shown in the place of `state` as long as nobody is told that it runs: in its hook, and when it may end at once. */
  readonly unseen: Waiting | undefined;
  readonly id: string | undefined;
  /** Empty before its image is known. */
  readonly imageId: string;
  /** What it has; undefined before it was made. */
  readonly resources: ResourceRequirements | undefined;
  /** It was or is being stopped to run anew, whatever the Pod says about restarts. */
  readonly renewed: boolean;
  /** When it may start (again), after a failure. */
  readonly retryAt: number;
  /** How long it is made to wait now, from its end. */
  readonly backoffMs: number;
}

const lists: Readonly<Record<ContainerKind, string>> = {
  main: 'containers',
  init: 'initContainers',
  sidecar: 'initContainers',
  ephemeral: 'ephemeralContainers',
};

/** Where a container is in its Pod, as events have it. */
export function fieldPathOf(kind: ContainerKind, name: string): string {
  return `spec.${lists[kind]}{${name}}`;
}

export const CONTAINER_ID_SCHEME = 'clusterip://';

export function apiState(state: ContainerView['state']): ContainerState {
  switch (state.kind) {
    case 'waiting':
      return {
        waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) },
      };
    case 'running':
      return { running: { startedAt: rfc3339(state.startedAt) } };
    case 'terminated':
      return { terminated: apiTerminated(state) };
  }
}

function apiTerminated(state: Terminated): ContainerStateTerminated {
  return {
    exitCode: state.exitCode,
    reason: state.reason,
    ...(state.message === undefined || state.message === '' ? {} : { message: state.message }),
    startedAt: state.startedAt === 0 ? undefined : rfc3339(state.startedAt),
    finishedAt: state.finishedAt === 0 ? undefined : rfc3339(state.finishedAt),
    ...(state.id === undefined ? {} : { containerID: `${CONTAINER_ID_SCHEME}${state.id}` }),
  };
}

/** The opposite of `apiState`, for what an earlier process of ours reported. */
export function terminatedFromApi(state: ContainerStateTerminated | undefined): Terminated | undefined {
  if (state === undefined) return undefined;
  const { exitCode, reason = 'Error', message, startedAt, finishedAt, containerID } = state;
  return {
    kind: 'terminated',
    exitCode,
    reason,
    message,
    startedAt: startedAt === undefined ? 0 : Date.parse(startedAt),
    finishedAt: finishedAt === undefined ? 0 : Date.parse(finishedAt),
    id: containerID?.replace(CONTAINER_ID_SCHEME, ''),
  };
}

/** In a moment there is more to tell of it. */
export function isSettling({ state, unseen, inHook }: ContainerView): boolean {
  return state.kind === 'running' && unseen !== undefined && !inHook;
}

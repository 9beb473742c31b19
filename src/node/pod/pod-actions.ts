import type { ContainerView, Terminated } from './container-view.ts';

export type PodAction =
  | { readonly kind: 'start'; readonly container: string }
  /** When those of `after` have ended. */
  | { readonly kind: 'stop'; readonly container: string; readonly after: readonly string[] }
  /** Look again then. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing of it will run again. */
  | { readonly kind: 'finish'; readonly phase: 'Succeeded' | 'Failed' };

export type StopAction = Extract<PodAction, { kind: 'stop' }>;

export interface PodSituation {
  readonly restartPolicy: string;
  /** In the order of the Pod's spec, init containers first. */
  readonly containers: readonly ContainerView[];
  readonly now: number;
}

/** What to do next for a Pod that should run. */
export function podActions(situation: PodSituation): readonly PodAction[] {
  const { containers } = situation;
  const phase = finalPhase(situation);
  if (phase !== undefined) {
    const stops = stopActions(containers);
    return stops.length > 0 ? stops : [{ kind: 'finish', phase }];
  }
  const actions: PodAction[] = containers.flatMap((container) =>
    container.kind === 'ephemeral' ? startOrWait(situation, container) : [],
  );
  // Once the containers proper run, ended init containers are done with; only their sidecars are kept alive.
  const past = containers.some(({ kind, state }) => kind === 'main' && state.kind !== 'waiting');
  for (const container of containers.filter(({ kind }) => kind === 'init' || kind === 'sidecar')) {
    if (container.kind === 'sidecar') {
      actions.push(...startOrWait(situation, container));
      if (!past && !(isRunning(container) && container.started)) return actions;
    } else if (!past && !isDone(container)) {
      return [...actions, ...startOrWait(situation, container)];
    }
  }
  for (const container of containers.filter(({ kind }) => kind === 'main')) {
    actions.push(...startOrWait(situation, container));
    // Many a manifest relies on it: who has a hook comes before those that follow.
    if (isRunning(container) && container.inHook) break;
  }
  return actions;
}

/**
 * How the containers of a Pod that should end are stopped: sidecars outlive those that they serve, which sidecars that
 * started after them are too (KEP-753). Models kuberuntime_termination_order.go of v1.34.
 */
export function stopActions(containers: readonly ContainerView[]): readonly StopAction[] {
  const running = containers.filter(isRunning);
  const served = running.filter(({ kind }) => kind === 'main');
  return running.map(({ name, kind }, i) => {
    const next = running.slice(i + 1).find((other) => other.kind === 'sidecar');
    const after = kind === 'sidecar' ? [...served, ...(next === undefined ? [] : [next])] : [];
    return { kind: 'stop', container: name, after: after.map((other) => other.name) };
  });
}

/** Undefined while anything runs or may yet run again. */
export function finalPhase({ restartPolicy, containers }: PodSituation): 'Succeeded' | 'Failed' | undefined {
  const dead = (container: ContainerView): boolean =>
    container.state.kind === 'terminated' && !restarts(restartPolicy, container, container.state);
  const failed = (container: ContainerView): boolean =>
    container.state.kind === 'terminated' && container.state.exitCode !== 0;
  if (containers.some((container) => container.kind === 'init' && dead(container) && failed(container)))
    return 'Failed';
  const main = containers.filter(({ kind }) => kind === 'main');
  if (!main.every(dead)) return undefined;
  return main.some(failed) ? 'Failed' : 'Succeeded';
}

function startOrWait({ restartPolicy, now }: PodSituation, container: ContainerView): readonly PodAction[] {
  const { name, state, retryAt } = container;
  if (state.kind === 'running') return [];
  if (state.kind === 'terminated' && !restarts(restartPolicy, container, state)) return [];
  return retryAt > now ? [{ kind: 'wait', until: retryAt }] : [{ kind: 'start', container: name }];
}

function restarts(policy: string, { kind, renewed }: ContainerView, { exitCode }: Terminated): boolean {
  if (renewed) return true;
  if (kind === 'ephemeral') return false;
  if (kind === 'sidecar') return true;
  if (kind === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function isRunning({ state }: ContainerView): boolean {
  return state.kind === 'running';
}

function isDone({ state }: ContainerView): boolean {
  return state.kind === 'terminated' && state.exitCode === 0;
}

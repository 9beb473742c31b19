import type { ContainerStatus, Pod, PodCondition, PodStatus } from '#api/generated/types.ts';
import { rfc3339 } from '#base/clock.ts';
import { apiState, CONTAINER_ID_SCHEME, type ContainerView } from './container-view.ts';
import type { AdmissionRefusal } from './pod-admission.ts';

export interface PodRuntimeState {
  readonly pod: Pod;
  /** In the order of the Pod's spec, init containers first. */
  readonly containers: readonly ContainerView[];
  readonly hostIps: readonly string[];
  /** None until the sandbox is there. */
  readonly podIps: readonly string[];
  readonly sandboxReady: boolean;
  readonly startTime: number;
  /** Decided for good. */
  readonly phase: 'Succeeded' | 'Failed' | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /**
   * Conditions as decided before, which the Pod may not show yet. Going by what it shows, two writes on their way with
   * different times would undo each other for ever.
   */
  readonly decided?: readonly PodCondition[] | undefined;
  readonly now: number;
}

/** The status of a Pod as a kubelet would write it. */
export function podStatus(state: PodRuntimeState): PodStatus {
  const { pod, hostIps, podIps } = state;
  const phase = phaseOf(state);
  const init = state.containers.filter(({ kind }) => kind === 'init' || kind === 'sidecar');
  const ephemeral = state.containers.filter(({ kind }) => kind === 'ephemeral');
  const main = state.containers.filter(({ kind }) => kind === 'main');
  const generation = pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: conditionsOf(state, phase),
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(state.message === undefined ? {} : { message: state.message }),
    hostIP: hostIps[0],
    hostIPs: hostIps.map((ip) => ({ ip })),
    ...(podIps.length === 0 ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: rfc3339(state.startTime),
    ...(init.length === 0 ? {} : { initContainerStatuses: init.map(containerStatus) }),
    containerStatuses: main.map(containerStatus),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral.map(containerStatus) }),
    ...(pod.status?.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}

/** Of a Pod that was not let in: nothing of it ever was. */
export function refusedStatus(pod: Pod, { reason, message }: AdmissionRefusal, now: number): PodStatus {
  const { generation } = pod.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    startTime: rfc3339(now),
    ...(pod.status?.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}

function containerStatus(view: ContainerView): ContainerStatus {
  const running = view.state.kind === 'running';
  const initDone = view.kind === 'init' && view.state.kind === 'terminated' && view.state.exitCode === 0;
  return {
    name: view.name,
    state: apiState(view.state),
    lastState: view.last === undefined ? {} : apiState(view.last),
    ready: initDone || (isServing(view) && isReady(view)),
    started: running && view.started,
    restartCount: view.restarts,
    image: view.image,
    imageID: view.imageId,
    ...(view.id === undefined ? {} : { containerID: `${CONTAINER_ID_SCHEME}${view.id}` }),
  };
}

/** Those whose readiness counts. */
function isServing({ kind }: ContainerView): boolean {
  return kind === 'main' || kind === 'sidecar';
}

/** Also while the Pod is being deleted: as long as it serves, those who have nobody else may come to it (KEP-1669). */
function isReady({ state, ready, started }: ContainerView): boolean {
  return state.kind === 'running' && ready && started;
}

export function phaseOf({ containers, phase, pod }: PodRuntimeState): string {
  if (phase !== undefined) return phase;
  const never = (view: ContainerView): boolean => view.state.kind === 'waiting' && view.last === undefined;
  const pendingInit = containers.some(
    (view) =>
      (view.kind === 'init' && !(view.state.kind === 'terminated' && view.state.exitCode === 0)) ||
      (view.kind === 'sidecar' && (never(view) || !(view.state.kind === 'running' && view.started))),
  );
  const main = containers.filter(({ kind }) => kind === 'main');
  const begun = main.some((view) => !never(view));
  if (pendingInit && !begun) return 'Pending';
  if (main.some(never)) return 'Pending';
  if (pod.metadata.deletionTimestamp !== undefined && main.every(({ state }) => state.kind === 'terminated')) {
    return main.every(({ state }) => state.kind === 'terminated' && state.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  return 'Running';
}

interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

const OWN = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

function conditionsOf(state: PodRuntimeState, phase: string): readonly PodCondition[] {
  const old = state.pod.status?.conditions ?? [];
  const containersReady = containersReadyVerdict(state, phase);
  const verdicts: readonly Verdict[] = [
    { type: 'PodReadyToStartContainers', status: state.sandboxReady ? 'True' : 'False' },
    initializedVerdict(state, phase),
    readyVerdict(state, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  const foreign = old.filter(({ type }) => !OWN.includes(type));
  const before = [...(state.decided ?? []), ...old];
  return [...verdicts.map((verdict) => conditionOf(verdict, state, before)), ...foreign];
}

function conditionOf(verdict: Verdict, { pod, now }: PodRuntimeState, old: readonly PodCondition[]): PodCondition {
  const before = old.find(({ type }) => type === verdict.type);
  const generation = pod.metadata.generation;
  const same = before?.status === verdict.status && before.lastTransitionTime !== undefined;
  return {
    type: verdict.type,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status: verdict.status,
    lastTransitionTime: same ? before.lastTransitionTime : rfc3339(now),
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
  };
}

function initializedVerdict({ containers }: PodRuntimeState, phase: string): Verdict {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  const begun = containers.some(({ kind, state, last }) => kind === 'main' && (state.kind !== 'waiting' || last));
  const incomplete = containers.filter(
    ({ kind, state, started }) =>
      (kind === 'init' && !(state.kind === 'terminated' && state.exitCode === 0)) ||
      (kind === 'sidecar' && !(state.kind === 'running' && started)),
  );
  if (incomplete.length === 0 || begun) return { type, status: 'True' };
  const names = incomplete.map(({ name }) => name).join(' ');
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names}]`,
  };
}

function containersReadyVerdict({ containers }: PodRuntimeState, phase: string): Verdict {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const unready = containers.filter((view) => isServing(view) && !isReady(view));
  if (unready.length === 0) return { type, status: 'True' };
  const names = unready.map(({ name }) => name).join(' ');
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${names}]`,
  };
}

function readyVerdict({ pod }: PodRuntimeState, containersReady: Verdict): Verdict {
  const type = 'Ready';
  if (containersReady.status === 'False') return { ...containersReady, type };
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find((condition) => condition.type === conditionType);
    if (gate?.status === 'True') return [];
    const name = JSON.stringify(conditionType);
    if (gate === undefined) return [`corresponding condition of pod readiness gate ${name} does not exist.`];
    return [`the status of pod readiness gate ${name} is not "True", but ${gate.status}`];
  });
  if (problems.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

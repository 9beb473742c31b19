import type { ContainerStatus, Pod, PodCondition, PodStatus } from '#api/generated/types.ts';
import { rfc3339 } from '#base/clock.ts';
import { apiState, CONTAINER_ID_SCHEME, type ContainerView, type Terminated } from './container-view.ts';
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
  /** Decided for good; told when nothing of it runs any more, since who hears of it gives its place away. */
  readonly phase: 'Succeeded' | 'Failed' | undefined;
  /** It was deleted, and nothing of it will run again. */
  readonly isGone?: boolean;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** Why the node ends it, where that is for the node's sake. */
  readonly disruption?: { readonly reason: string; readonly message: string } | undefined;
  /**
   * Conditions as decided before, which the Pod may not show yet. Going by what it shows, two writes on their way with
   * different times would undo each other for ever.
   */
  readonly decided?: readonly PodCondition[] | undefined;
  /** What keeps it from the resources that it asks for. */
  readonly resize?: readonly Verdict[];
  readonly now: number;
}

/** The status of a Pod as a kubelet would write it. */
export function podStatus(given: PodRuntimeState): PodStatus {
  const isRunning = given.containers.some(({ state }) => state.kind === 'running');
  const containers = given.containers.map(shown);
  const state = { ...given, containers: given.isGone === true ? abandoned(containers) : containers };
  const { pod, hostIps, podIps } = state;
  const ends = phaseOf(state);
  const phase = isRunning ? phaseOf({ ...state, phase: undefined }) : ends;
  const { reason, message } = phase === ends ? state : { reason: undefined, message: undefined };
  const init = state.containers.filter(isInit);
  const ephemeral = state.containers.filter(({ kind }) => kind === 'ephemeral');
  const main = state.containers.filter(({ kind }) => kind === 'main');
  const generation = pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: conditionsOf(state, ends),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
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

function shown(view: ContainerView): ContainerView {
  return view.unseen !== undefined && view.state.kind === 'running' ? { ...view, state: view.unseen } : view;
}

/**
 * What becomes of the containers when the Pod is gone from its node: who never ran, though it was his turn, has failed.
 * Models TerminatePod of status_manager.go of v1.34.
 */
function abandoned(containers: readonly ContainerView[]): readonly ContainerView[] {
  const init = containers.filter(isInit);
  const begun = init.findLastIndex(hasRun);
  const initialized = init.at(-1);
  const main = containers.some((view) => view.kind === 'main' && hasRun(view));
  const isInitialized = main || initialized === undefined || isInitDone(initialized);
  return containers.map((view) => {
    const turn = view.kind === 'main' ? isInitialized : init.indexOf(view) >= 0 && init.indexOf(view) <= begun;
    return turn && view.state.kind !== 'terminated' ? { ...view, state: NEVER_FOUND } : view;
  });
}

const NEVER_FOUND: Terminated = {
  kind: 'terminated',
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  startedAt: 0,
  finishedAt: 0,
  id: undefined,
};

function hasRun({ state, last }: ContainerView): boolean {
  return state.kind !== 'waiting' || last !== undefined;
}

function isInit({ kind }: ContainerView): boolean {
  return kind === 'init' || kind === 'sidecar';
}

function isInitDone({ kind, state, started }: ContainerView): boolean {
  return kind === 'sidecar' ? state.kind === 'running' && started : state.kind === 'terminated' && state.exitCode === 0;
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
    ...resourcesOf(view),
    ...(view.id === undefined ? {} : { containerID: `${CONTAINER_ID_SCHEME}${view.id}` }),
  };
}

function resourcesOf({ resources }: ContainerView): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  if (resources === undefined) return {};
  const { requests } = resources;
  return { resources, ...(requests === undefined ? {} : { allocatedResources: requests }) };
}

/** Those whose readiness counts. */
function isServing({ kind }: ContainerView): boolean {
  return kind === 'main' || kind === 'sidecar';
}

/** Also while the Pod is being deleted: as long as it serves, those who have nobody else may come to it (KEP-1669). */
function isReady({ state, ready, started }: ContainerView): boolean {
  return state.kind === 'running' && ready && started;
}

/** Models getPhase of kubelet_pods.go of v1.34. */
function phaseOf({ containers, phase, pod, isGone }: PodRuntimeState): string {
  if (phase !== undefined) return phase;
  const main = containers.filter(({ kind }) => kind === 'main');
  const isPending = containers.some(
    (view) =>
      (view.kind !== 'ephemeral' && !hasRun(view)) ||
      (view.kind === 'init' && view.state.kind === 'running') ||
      (view.kind === 'sidecar' && view.state.kind === 'running' && !view.started && !main.some(hasRun)),
  );
  if (isPending) return isGone === true ? 'Failed' : 'Pending';
  const ends = main.flatMap(({ state }) => (state.kind === 'terminated' ? [state.exitCode] : []));
  if (pod.metadata.deletionTimestamp === undefined || ends.length < main.length) return 'Running';
  return ends.every((code) => code === 0) ? 'Succeeded' : 'Failed';
}

export interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/** They go when there is nothing to say any more. */
const RESIZE = ['PodResizePending', 'PodResizeInProgress'];

function conditionsOf(state: PodRuntimeState, phase: string): readonly PodCondition[] {
  const old = state.pod.status?.conditions ?? [];
  const containersReady = containersReadyVerdict(state, phase);
  const verdicts: readonly Verdict[] = [
    ...(state.resize ?? []),
    { type: 'PodReadyToStartContainers', status: state.sandboxReady ? 'True' : 'False' },
    initializedVerdict(state, phase),
    readyVerdict(state, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
    ...(state.disruption === undefined
      ? []
      : [{ type: 'DisruptionTarget', status: 'True', ...state.disruption } as const]),
  ];
  const foreign = old.filter(
    ({ type }) => !RESIZE.includes(type) && !verdicts.some((verdict) => verdict.type === type),
  );
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
  const begun = containers.some((view) => view.kind === 'main' && hasRun(view));
  const incomplete = containers.filter((view) => isInit(view) && !isInitDone(view));
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

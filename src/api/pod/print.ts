import { age, orNone } from '../columns.ts';
import { humanDuration } from '../duration.ts';
import type * as t from '../generated/types.ts';
import type { Cell } from '../kind.ts';

/** What the containers' states add up to, as the STATUS, READY and RESTARTS of a row. */
interface Summary {
  reason: string;
  ready: number;
  restarts: number;
  /** When a container ended last, in milliseconds; 0 for never. */
  lastRestart: number;
}

function isSidecar(container: t.Container | undefined): boolean {
  return container?.restartPolicy === 'Always';
}

function endedAt(status: t.ContainerStatus): number {
  const at = status.lastState?.terminated?.finishedAt;
  return at === undefined ? 0 : Date.parse(at);
}

function countRestarts(summary: Summary, status: t.ContainerStatus): void {
  summary.restarts += status.restartCount;
  summary.lastRestart = Math.max(summary.lastRestart, endedAt(status));
}

function terminatedText(state: t.ContainerStateTerminated): string {
  if (state.reason !== undefined && state.reason !== '') return state.reason;
  if (state.signal !== undefined && state.signal !== 0) return `Signal:${state.signal}`;
  return `ExitCode:${state.exitCode}`;
}

/** The reason why an init container holds the Pod up, or undefined when it is past. */
function initReason(status: t.ContainerStatus, sidecar: boolean, progress: string): string | undefined {
  const { terminated, waiting } = status.state ?? {};
  if (terminated?.exitCode === 0) return undefined;
  if (sidecar && status.started === true) return undefined;
  if (terminated !== undefined) return `Init:${terminatedText(terminated)}`;
  const reason = waiting?.reason ?? '';
  return reason !== '' && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${progress}`;
}

/** Goes through the init containers up to the first that is not done. Answers whether one holds the Pod up. */
function readInitContainers(pod: t.Pod, summary: Summary, sidecars: Summary): boolean {
  const specs = new Map((pod.spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const [i, status] of (pod.status.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.get(status.name));
    countRestarts(summary, status);
    if (sidecar) countRestarts(sidecars, status);
    const reason = initReason(status, sidecar, `${i}/${specs.size}`);
    if (reason !== undefined) {
      summary.reason = reason;
      return true;
    }
    if (sidecar && status.started === true && status.ready && status.state?.terminated?.exitCode !== 0) summary.ready++;
  }
  return false;
}

/** Later containers first, so that the first container's trouble is what is shown. */
function readContainers(pod: t.Pod, summary: Summary): void {
  let running = false;
  for (const status of (pod.status.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, status);
    const { waiting, terminated } = status.state ?? {};
    if (waiting?.reason !== undefined && waiting.reason !== '') summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = terminatedText(terminated);
    else if (status.ready && status.state?.running !== undefined) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason === 'Completed' && running) {
    summary.reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  }
}

function hasCondition(pod: t.Pod, type: string): boolean {
  return pod.status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

function summarize(pod: t.Pod): Summary {
  const { status } = pod;
  const gated = status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  const reason = orNone(status.reason, status.phase ?? '');
  const summary: Summary = {
    reason: gated === true ? 'SchedulingGated' : reason,
    ready: 0,
    restarts: 0,
    lastRestart: 0,
  };
  const sidecars: Summary = { ...summary };
  const initializing = readInitContainers(pod, summary, sidecars);
  if (!initializing || hasCondition(pod, 'Initialized')) {
    summary.restarts = sidecars.restarts;
    summary.lastRestart = sidecars.lastRestart;
    readContainers(pod, summary);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating';
  }
  return summary;
}

function gatesCell(pod: t.Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  const open = gates.filter((gate) => hasCondition(pod, gate.conditionType));
  return gates.length === 0 ? '<none>' : `${open.length}/${gates.length}`;
}

/** NAME READY STATUS RESTARTS AGE | IP NODE NOMINATED-NODE READINESS-GATES. */
export function podRow(pod: t.Pod, now: number): readonly Cell[] {
  const full: t.Pod = pod.status === undefined ? { ...(pod as Omit<t.Pod, 'status'>), status: {} } : pod;
  const summary = summarize(full);
  const total = full.spec.containers.length + (full.spec.initContainers ?? []).filter(isSidecar).length;
  const restarts =
    summary.restarts > 0 && summary.lastRestart > 0 ? ` (${humanDuration(now - summary.lastRestart)} ago)` : '';
  return [
    full.metadata.name,
    `${summary.ready}/${total}`,
    summary.reason,
    `${summary.restarts}${restarts}`,
    age(full, now),
    orNone(full.status.podIPs?.[0]?.ip ?? full.status.podIP),
    orNone(full.spec.nodeName),
    orNone(full.status.nominatedNodeName),
    gatesCell(full),
  ];
}

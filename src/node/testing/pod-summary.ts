import type { ContainerState, ContainerStatus, Pod } from '#api/generated/types.ts';

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** What matters of a Pod's status in one line: `Running 10.244.0.2 on 172.18.0.2 ready; c running restarts 0`. */
export function podSummary(pod: Pod): string {
  const { phase = '-', podIP = '-', hostIP = '-' } = pod.status ?? {};
  const head = `${phase} ${podIP} on ${hostIP}${isReady(pod) ? ' ready' : ''}`;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [head, ...[...initContainerStatuses, ...containerStatuses].map(container)].join('; ');
}

function container({ name, state = {}, lastState = {}, restartCount }: ContainerStatus): string {
  const last = lastState.terminated === undefined ? '' : ` after ${stateText(lastState)}`;
  return `${name} ${stateText(state)} restarts ${restartCount}${last}`;
}

function stateText({ running, waiting, terminated }: ContainerState): string {
  if (running !== undefined) return 'running';
  const text = (message: string | undefined): string => (message === undefined ? '' : ` ${JSON.stringify(message)}`);
  if (waiting !== undefined) return `waiting ${waiting.reason ?? ''}${text(waiting.message)}`;
  if (terminated === undefined) return '-';
  return `exit ${terminated.exitCode} ${terminated.reason ?? ''}${text(terminated.message)}`;
}

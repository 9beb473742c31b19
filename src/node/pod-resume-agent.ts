import type { Pod } from '#api/generated/types.ts';
import type { ContainerAgent } from './container-agent.ts';
import { logDirectory, logPath, type NodeContext, refOf } from './node-context.ts';
import { registrationOf } from './pod-sandbox-agent.ts';

/**
 * What an earlier process of this node wrote down is how we know that the Pod is not new. Containers that have ended run
 * again where the Pod wants that, as long as it is `goingOn`; their logs are found again.
 */
export function resumeContainers(
  node: NodeContext,
  pod: Pod,
  containers: readonly ContainerAgent[],
  goingOn: boolean,
): void {
  if (goingOn) noteNewSandbox(node, pod);
  const directory = logDirectory(node, refOf(pod));
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const policy = pod.spec.restartPolicy ?? 'Always';
  for (const container of containers) {
    const name = container.spec.name;
    const known = statuses.find((one) => one.name === name);
    if (known === undefined) continue;
    // Init containers run again, too: what they prepared was in memory.
    const { kind } = container;
    const init = kind === 'init' || kind === 'sidecar';
    const again = (code: number): boolean => init || (kind === 'main' && mayRestart(policy, code));
    container.resume(known, (code) => goingOn && again(code));
    if (known.containerID === undefined) continue;
    node.runtime.noteEnded(registrationOf(pod), {
      container: name,
      containerId: known.containerID,
      logPath: logPath(directory, name, known.restartCount),
      previousLogPath: known.restartCount > 0 ? logPath(directory, name, known.restartCount - 1) : undefined,
      tty: false,
      stdin: false,
    });
  }
}

function mayRestart(policy: string, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function noteNewSandbox({ events }: NodeContext, pod: Pod): void {
  const had = (pod.status?.podIPs ?? []).length > 0;
  if (!had || pod.metadata.deletionTimestamp !== undefined) return;
  events.record(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
}

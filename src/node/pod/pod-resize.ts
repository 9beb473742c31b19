import type { Container, Node, Pod, ResourceRequirements } from '#api/generated/types.ts';
import { deepEqual } from '#api/equal.ts';
import { capacityOf, type Demand, demandOf } from '#api/pod/demand.ts';
import { admissionRefusal } from './pod-admission.ts';

/** Why a Pod does not get now what it is asked to have: never, or not yet. */
export interface ResizePending {
  readonly reason: 'Infeasible' | 'Deferred';
  readonly message: string;
}

/** `others` are the demands of the other Pods of the node. Models canResizePod of allocation_manager.go of v1.34. */
export function resizePending(pod: Pod, node: Node, others: readonly Demand[]): ResizePending | undefined {
  const demand = demandOf(pod);
  const capacity = capacityOf(node);
  const rows = [
    { name: 'memory', requested: demand.memory, capacity: capacity.memory },
    { name: 'cpu', requested: demand.cpuMillis, capacity: capacity.cpuMillis },
  ];
  const short = rows.find((row) => row.requested > row.capacity);
  if (short !== undefined) {
    const amounts = `${short.name}, requested: ${short.requested}, capacity: ${short.capacity}`;
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${amounts}` };
  }
  const refusal = admissionRefusal(pod, node, others);
  return refusal && { reason: 'Deferred', message: refusal.message };
}

/** Whether the container has to run anew for what differs. */
export function needsRestart({ resources, resizePolicy = [] }: Container, next: ResourceRequirements): boolean {
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === 'RestartContainer' &&
      (resources?.requests?.[resourceName] !== next.requests?.[resourceName] ||
        resources?.limits?.[resourceName] !== next.limits?.[resourceName]),
  );
}

export function sameResources(a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): boolean {
  return deepEqual(a ?? {}, b ?? {});
}

/** The Pod with what its containers have, which may not be what it asks for. */
export function withAllocated(pod: Pod, has: (name: string) => ResourceRequirements | undefined): Pod {
  const allocated = (containers: readonly Container[]): Container[] =>
    containers.map((container) => ({ ...container, resources: has(container.name) ?? container.resources }));
  const { initContainers, containers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: allocated(containers),
      ...(initContainers === undefined ? {} : { initContainers: allocated(initContainers) }),
    },
  };
}

/** The words of the event that a resize is done. */
export function resizeCompleted({ spec }: Pod): string {
  const summary = (containers: readonly Container[] | undefined): object[] | undefined =>
    containers?.map(({ name, resources = {} }) => ({ name, resources }));
  const whole = { initContainers: summary(spec.initContainers), containers: summary(spec.containers) };
  return `Pod resize completed: ${JSON.stringify(whole)}`;
}

import type { Pod, PodCondition } from '#api/generated/types.ts';

/** The Pod's conditions with the one that says who ends it, so that nobody takes it for a failure of its own. */
export function disruptionTarget(
  pod: Pod,
  reason: string,
  message: string,
  timestamp: string,
): readonly PodCondition[] {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: timestamp };
  return [...others, { ...condition, ...observed(pod) }];
}

/** Of which state of the Pod a condition tells. */
export function observed({ metadata: { generation } }: Pod): Pick<PodCondition, 'observedGeneration'> {
  return generation === undefined ? {} : { observedGeneration: generation };
}

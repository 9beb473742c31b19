import type { Pod, PodCondition } from '#api/generated/types.ts';

/** The Pod's conditions with the one that says who ends it, so that nobody takes it for a failure of its own. */
export function disruptionTarget(
  pod: Pod,
  reason: string,
  message: string,
  timestamp: string,
): readonly PodCondition[] {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  return [...others, { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: timestamp }];
}

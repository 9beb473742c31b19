import type { Condition } from '#api/generated/types.ts';

export function readyCondition(now: string): Condition {
  return {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes Service CIDR is ready',
    lastTransitionTime: now,
  };
}

export function terminatingCondition(now: string): Condition {
  return {
    type: 'Ready',
    status: 'False',
    reason: 'Terminating',
    message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    lastTransitionTime: now,
  };
}

/** The list with `next` in it, or undefined where it says so already. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
): readonly Condition[] | undefined {
  const present = conditions?.find(({ type }) => type === next.type);
  const same = present?.status === next.status && present.reason === next.reason && present.message === next.message;
  if (same) return undefined;
  return [...(conditions ?? []).filter(({ type }) => type !== next.type), next];
}

import type {
  ContainerStatus,
  Job,
  Pod,
  PodCondition,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
} from '#api/generated/types.ts';

/** What a Job makes of the failure of one of its Pods. */
export interface FailureVerdict {
  readonly action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  /** Why the Job fails. */
  readonly message?: string | undefined;
}

const COUNT: FailureVerdict = { action: 'Count' };

/** The first rule that matches decides. Models matchPodFailurePolicy of v1.34 (pkg/controller/job/pod_failure_policy.go). */
export function judgeFailure({ spec }: Job, pod: Pod): FailureVerdict {
  const rules = spec.podFailurePolicy?.rules ?? [];
  for (const [i, rule] of rules.entries()) {
    const match = matchRule(rule, pod);
    if (match === undefined) continue;
    const { action } = rule;
    if (action === 'FailJob') return { action, message: `${match} matching FailJob rule at index ${i}` };
    if (action === 'FailIndex' || action === 'Ignore') return { action };
    return COUNT;
  }
  return COUNT;
}

function matchRule({ onExitCodes, onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata;
  const { status } = pod;
  if (onExitCodes !== undefined) {
    const container =
      exitOf(status?.containerStatuses, onExitCodes) ?? exitOf(status?.initContainerStatuses, onExitCodes);
    if (container === undefined) return undefined;
    const { exitCode } = container.state?.terminated ?? {};
    return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
  }
  const matches = (condition: PodCondition): boolean =>
    onPodConditions?.some(
      ({ type, status: wanted = 'True' }) => condition.type === type && condition.status === wanted,
    ) === true;
  const condition = status?.conditions?.find(matches);
  return condition === undefined ? undefined : `Pod ${namespace}/${name} has condition ${condition.type}`;
}

function exitOf(
  statuses: readonly ContainerStatus[] | undefined,
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
): ContainerStatus | undefined {
  return statuses?.find(({ name, state }) => {
    const code = state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== name)) return false;
    return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code);
  });
}

import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { intOrStringText } from '../int-or-string.ts';
import type { KindDefinition } from '../kind.ts';
import { podDisruptionBudgets } from '../resource.ts';
import { validateSelector, validateShare } from '../workload.ts';
import { validateBudgetStatus } from '../workload-status.ts';

function shareCell(value: number | string | undefined): string {
  return value === undefined ? 'N/A' : intOrStringText(value);
}

/** As Kubernetes prints the whole of it. */
function shown({
  minAvailable,
  selector,
  maxUnavailable,
  unhealthyPodEvictionPolicy,
}: t.PodDisruptionBudgetSpec): object {
  return {
    MinAvailable: minAvailable,
    Selector: selector,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
  };
}

function validate({ spec }: t.PodDisruptionBudget): FieldError[] {
  const both = spec.minAvailable !== undefined && spec.maxUnavailable !== undefined;
  return [
    ...(both ? [invalid('spec', shown(spec), 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...validateShare('spec.minAvailable', spec.minAvailable),
    ...validateShare('spec.maxUnavailable', spec.maxUnavailable),
    ...validateSelector(spec.selector ?? {}, 'spec.selector'),
  ];
}

export const podDisruptionBudget: KindDefinition<t.PodDisruptionBudget> = defineKind(podDisruptionBudgets, {
  shortNames: ['pdb'],
  subresources: { status: true },
  unconditionalUpdate: false,
  generation: true,
  initialStatus: () => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
  columns: [
    nameColumn,
    column('Min Available', 'string', 'Pods that have to stay.'),
    column('Max Unavailable', 'string', 'Pods that may be missing.'),
    column('Allowed Disruptions', 'integer', 'Pods that may be evicted now.'),
    ageColumn,
  ],
  row: (budget, now) => [
    budget.metadata.name,
    shareCell(budget.spec.minAvailable),
    shareCell(budget.spec.maxUnavailable),
    budget.status?.disruptionsAllowed ?? 0,
    age(budget, now),
  ],
  validate,
  validateStatus: validateBudgetStatus,
});

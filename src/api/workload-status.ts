/** What the status of a workload must not say, whoever writes it. */
import { type FieldError, invalid } from './field-error.ts';
import { validateNonnegative } from './validation.ts';

type Counts = Readonly<Record<string, unknown>>;

interface WithStatus {
  readonly status?: object;
}

function countsOf({ status }: WithStatus): Counts {
  return (status ?? {}) as Counts;
}

function countAt(counts: Counts, field: string): number {
  return (counts[field] as number | undefined) ?? 0;
}

function validateCounts(counts: Counts, fields: readonly string[]): FieldError[] {
  return fields.flatMap((field) => validateNonnegative(`status.${field}`, countAt(counts, field)));
}

/** Each of `fields` is about some of the replicas. */
function validateParts(counts: Counts, fields: readonly string[], readyName: string): FieldError[] {
  const errors: FieldError[] = [];
  const atMost = (field: string, whole: string, name: string): void => {
    const count = countAt(counts, field);
    if (count > countAt(counts, whole))
      errors.push(invalid(`status.${field}`, count, `cannot be greater than ${name}`));
  };
  for (const field of fields) atMost(field, 'replicas', 'status.replicas');
  atMost('availableReplicas', 'readyReplicas', readyName);
  return errors;
}

/** Names of revisions are made with it, so it never goes back. */
function validateCollisions(counts: Counts, old: Counts): FieldError[] {
  const before = old['collisionCount'] as number | undefined;
  const count = countAt(counts, 'collisionCount');
  if (before === undefined || (counts['collisionCount'] !== undefined && count >= before)) return [];
  return [invalid('status.collisionCount', count, 'cannot be decremented')];
}

export function validateDeploymentStatus(object: WithStatus, old: WithStatus): FieldError[] {
  const counts = countsOf(object);
  return [
    ...validateCounts(counts, [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
      'collisionCount',
    ]),
    ...validateParts(counts, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'readyReplicas'),
    ...validateCollisions(counts, countsOf(old)),
  ];
}

/** Of ReplicaSets and of ReplicationControllers. */
export function validateReplicasStatus(object: WithStatus): FieldError[] {
  const counts = countsOf(object);
  return [
    ...validateCounts(counts, [
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'observedGeneration',
      'terminatingReplicas',
    ]),
    ...validateParts(counts, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'readyReplicas'),
  ];
}

export function validateStatefulSetStatus(object: WithStatus, old: WithStatus): FieldError[] {
  const counts = countsOf(object);
  const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'];
  return [
    ...validateCounts(counts, ['replicas', ...parts, 'observedGeneration', 'collisionCount']),
    ...validateParts(counts, parts, 'status.readyReplicas'),
    ...validateCollisions(counts, countsOf(old)),
  ];
}

export function validateDaemonSetStatus(object: WithStatus, old: WithStatus): FieldError[] {
  const counts = countsOf(object);
  return [
    ...validateCounts(counts, [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ]),
    ...validateCollisions(counts, countsOf(old)),
  ];
}

export function validateBudgetStatus(object: WithStatus): FieldError[] {
  return validateCounts(countsOf(object), ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']);
}

export function validateAutoscalerStatus(object: WithStatus): FieldError[] {
  return validateCounts(countsOf(object), ['currentReplicas', 'desiredReplicas']);
}

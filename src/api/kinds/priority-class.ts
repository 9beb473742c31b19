import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, forbidden } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { priorityClasses } from '../resource.ts';
import { validateChoice, validateImmutable } from '../validation.ts';

const HIGHEST = 1_000_000_000;

function validate({ metadata, preemptionPolicy, value = 0 }: t.PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const system = (metadata.name ?? '').startsWith('system-');
  const builtIn = metadata.name === 'system-cluster-critical' || metadata.name === 'system-node-critical';
  if (system && !builtIn) {
    errors.push(
      forbidden(
        'metadata.name',
        `priority class names with 'system-' prefix are reserved for system use only. error: ${metadata.name} is not a known system priority class`,
      ),
    );
  }
  if (!system && value > HIGHEST) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST}`));
  }
  return [...errors, ...validateChoice('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority'])];
}

export const priorityClass: KindDefinition<t.PriorityClass> = defineKind(priorityClasses, {
  shortNames: ['pc'],
  generation: (of) => of.value,
  columns: [
    nameColumn,
    column('Value', 'integer', 'The higher, the earlier.'),
    column('Global-Default', 'boolean', 'Whether Pods without a class get it.'),
    ageColumn,
    column('PreemptionPolicy', 'string', 'Whether its Pods push others out.'),
  ],
  row: (of, now) => [
    of.metadata.name,
    of.value ?? 0,
    of.globalDefault ?? false,
    age(of, now),
    of.preemptionPolicy ?? 'PreemptLowerPriority',
  ],
  defaults: (of) => ({ ...of, value: of.value ?? 0, preemptionPolicy: of.preemptionPolicy ?? 'PreemptLowerPriority' }),
  validate,
  validateChange: (of, old) => [
    ...validateImmutable('value', of.value, old.value),
    ...validateImmutable('preemptionPolicy', of.preemptionPolicy, old.preemptionPolicy),
  ],
});

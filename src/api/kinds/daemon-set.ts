import {
  age,
  ageColumn,
  column,
  containerCells,
  containersColumn,
  imagesColumn,
  labelsCell,
  nameColumn,
  selectorColumn,
} from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { isZeroShare } from '../int-or-string.ts';
import type { KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { daemonSets } from '../resource.ts';
import { validateChoice, validateImmutable, validateNonnegative } from '../validation.ts';
import { validateEndlessTemplate, validateOwnSelector, validateSelectedTemplate, validateShare } from '../workload.ts';
import { validateDaemonSetStatus } from '../workload-status.ts';

function strategyDefaults(strategy: t.DaemonSetUpdateStrategy | undefined): t.DaemonSetUpdateStrategy {
  const type = strategy?.type ?? 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  const { maxUnavailable = 1, maxSurge = 0 } = strategy?.rollingUpdate ?? {};
  return { ...strategy, type, rollingUpdate: { maxUnavailable, maxSurge } };
}

function defaults(set: t.DaemonSet): t.DaemonSet {
  const { spec: given } = set;
  return {
    ...set,
    spec: {
      ...given,
      updateStrategy: strategyDefaults(given.updateStrategy),
      revisionHistoryLimit: given.revisionHistoryLimit ?? 10,
      template: podTemplateDefaults(given.template),
    },
  };
}

function validateStrategy({ type, rollingUpdate }: t.DaemonSetUpdateStrategy): FieldError[] {
  const field = 'spec.updateStrategy.rollingUpdate';
  const errors = validateChoice('spec.updateStrategy.type', type, ['OnDelete', 'RollingUpdate']);
  if (rollingUpdate === undefined) return errors;
  const { maxSurge, maxUnavailable } = rollingUpdate;
  errors.push(...validateShare(`${field}.maxUnavailable`, maxUnavailable));
  errors.push(...validateShare(`${field}.maxSurge`, maxSurge));
  if (isZeroShare(maxSurge) && isZeroShare(maxUnavailable)) {
    errors.push(required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  return errors;
}

const GENERATION = 'deprecated.daemonset.template.generation';

/** Counts changes of the template, as the first version of the kind did in a field. */
function counted(set: t.DaemonSet, generation: number): t.DaemonSet {
  const annotations = { ...set.metadata.annotations, [GENERATION]: String(generation) };
  return { ...set, metadata: { ...set.metadata, annotations } };
}

function recounted(set: t.DaemonSet, old: t.DaemonSet): t.DaemonSet {
  const before = Number(old.metadata.annotations?.[GENERATION] ?? 1);
  return counted(set, deepEqual(set.spec.template, old.spec.template) ? before : before + 1);
}

export const daemonSet: KindDefinition<t.DaemonSet> = defineKind(daemonSets, {
  shortNames: ['ds'],
  categories: ['all'],
  subresources: { status: true },
  generation: true,
  initialStatus: () => ({
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  }),
  columns: [
    nameColumn,
    column('Desired', 'integer', 'Nodes that should run the Pod.'),
    column('Current', 'integer', 'Nodes that run it and should.'),
    column('Ready', 'integer', 'Nodes where it is ready.'),
    column('Up-to-date', 'integer', 'Nodes where it is made from the current template.'),
    column('Available', 'integer', 'Nodes where it has been ready for long enough.'),
    column('Node Selector', 'string', 'Labels that a node must have.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  row: (set, now) => [
    set.metadata.name,
    set.status?.desiredNumberScheduled ?? 0,
    set.status?.currentNumberScheduled ?? 0,
    set.status?.numberReady ?? 0,
    set.status?.updatedNumberScheduled ?? 0,
    set.status?.numberAvailable ?? 0,
    labelsCell(set.spec.template.spec?.nodeSelector),
    age(set, now),
    ...containerCells(set.spec.template),
    selectorCell(set.spec.selector),
  ],
  defaults,
  prepareCreate: (set) => counted(set, 1),
  prepareUpdate: recounted,
  validate: ({ spec }) => [
    ...(spec.selector === undefined ? [] : validateOwnSelector(spec.selector, 'daemonset')),
    ...validateSelectedTemplate(spec.template, spec.selector),
    ...validateEndlessTemplate(spec.template, 'DaemonSet'),
    ...validateNonnegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...validateNonnegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ],
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec.selector', spec.selector, old.selector),
  validateStatus: validateDaemonSetStatus,
});

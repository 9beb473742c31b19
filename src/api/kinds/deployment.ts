import {
  age,
  ageColumn,
  column,
  containerCells,
  containersColumn,
  imagesColumn,
  nameColumn,
  selectorColumn,
} from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, unsupported, forbidden, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { isZeroShare } from '../int-or-string.ts';
import type { Cell, KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { deployments } from '../resource.ts';
import { validateImmutable, validateNonnegative } from '../validation.ts';
import {
  validateCountOrPercent,
  validateEndlessTemplate,
  validateOwnSelector,
  validateSelectedTemplate,
  validateShare,
} from '../workload.ts';
import { validateDeploymentStatus } from '../workload-status.ts';

function strategyDefaults(strategy: t.DeploymentStrategy | undefined): t.DeploymentStrategy {
  const type = strategy?.type ?? 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  const given = strategy?.rollingUpdate;
  const rollingUpdate = { maxUnavailable: given?.maxUnavailable ?? '25%', maxSurge: given?.maxSurge ?? '25%' };
  return { ...strategy, type, rollingUpdate };
}

function defaults(deployment: t.Deployment): t.Deployment {
  const given: Partial<t.DeploymentSpec> = deployment.spec ?? {};
  const spec = {
    ...given,
    replicas: given.replicas ?? 1,
    strategy: strategyDefaults(given.strategy),
    revisionHistoryLimit: given.revisionHistoryLimit ?? 10,
    progressDeadlineSeconds: given.progressDeadlineSeconds ?? 600,
    template: podTemplateDefaults(given.template),
  } as t.DeploymentSpec;
  return { ...deployment, spec };
}

/** As Kubernetes prints the whole of it. */
function shown({ type, rollingUpdate }: t.DeploymentStrategy): object {
  return { Type: type, RollingUpdate: rollingUpdate ?? null };
}

function validateStrategy(strategy: t.DeploymentStrategy): FieldError[] {
  const field = 'spec.strategy.rollingUpdate';
  if (strategy.type === 'Recreate') {
    if (strategy.rollingUpdate === undefined) return [];
    return [forbidden(field, "may not be specified when strategy `type` is 'Recreate'")];
  }
  const errors =
    strategy.type === 'Recreate' || strategy.type === 'RollingUpdate'
      ? []
      : [unsupported('spec.strategy', shown(strategy), ['Recreate', 'RollingUpdate'])];
  const { maxSurge, maxUnavailable } = strategy.rollingUpdate ?? {};
  errors.push(...validateShare(`${field}.maxUnavailable`, maxUnavailable));
  errors.push(...validateCountOrPercent(`${field}.maxSurge`, maxSurge));
  if (isZeroShare(maxSurge) && isZeroShare(maxUnavailable)) {
    errors.push(invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return errors;
}

function validate({ spec }: t.Deployment): FieldError[] {
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec;
  const errors = [
    ...validateNonnegative('spec.replicas', spec.replicas),
    ...validateOwnSelector(spec.selector, 'deployment'),
    ...validateSelectedTemplate(spec.template, spec.selector),
    ...validateEndlessTemplate(spec.template, 'ReplicaSet'),
    ...validateStrategy(spec.strategy ?? {}),
    ...validateNonnegative('spec.minReadySeconds', minReadySeconds),
    ...validateNonnegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...validateNonnegative('spec.progressDeadlineSeconds', deadline),
  ];
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function row(deployment: t.Deployment, now: number): readonly Cell[] {
  const { spec } = deployment;
  const status = deployment.status ?? {};
  return [
    deployment.metadata.name,
    `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    status.updatedReplicas ?? 0,
    status.availableReplicas ?? 0,
    age(deployment, now),
    ...containerCells(spec.template),
    selectorCell(spec.selector),
  ];
}

export const deployment: KindDefinition<t.Deployment> = defineKind(deployments, {
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  },
  // Whoever follows a Deployment by its generation learns of its annotations, too: its sets get them.
  generation: ({ spec, metadata }) => [spec, metadata.annotations ?? {}],
  columns: [
    nameColumn,
    column('Ready', 'string', 'Pods that are ready, out of those wanted.'),
    column('Up-to-date', 'string', 'Pods made from the current template.'),
    column('Available', 'string', 'Pods that have been ready for long enough.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  row,
  defaults,
  validate,
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec.selector', spec.selector, old.selector),
  validateStatus: validateDeploymentStatus,
});

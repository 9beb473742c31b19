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
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validateLabels } from '../meta-validation.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { replicationControllers } from '../resource.ts';
import { validateNonnegative } from '../validation.ts';
import { validateEndlessTemplate, validateSelectedTemplate } from '../workload.ts';
import { validateReplicasStatus } from '../workload-status.ts';

/** The oldest of the workloads takes its selector and labels from the template's labels. */
function defaults(controller: t.ReplicationController): t.ReplicationController {
  const { spec: given, metadata } = controller;
  const labels = given.template?.metadata?.labels;
  return {
    ...controller,
    metadata: { ...metadata, labels: metadata.labels ?? labels },
    spec: {
      ...given,
      replicas: given.replicas ?? 1,
      selector: given.selector ?? labels,
      ...(given.template === undefined ? {} : { template: podTemplateDefaults(given.template) }),
    },
  };
}

function validate({ spec }: t.ReplicationController): FieldError[] {
  const errors = [
    ...validateNonnegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...(Object.keys(spec.selector ?? {}).length === 0 ? [required('spec.selector')] : []),
    ...validateNonnegative('spec.replicas', spec.replicas),
  ];
  if (spec.template === undefined) return [...errors, required('spec.template')];
  return [
    ...errors,
    ...validateSelectedTemplate(spec.template, { matchLabels: spec.selector }),
    ...validateEndlessTemplate(spec.template, 'ReplicationController'),
  ];
}

export const replicationController: KindDefinition<t.ReplicationController> = defineKind(replicationControllers, {
  shortNames: ['rc'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  },
  defaultPropagation: 'Orphan',
  generation: true,
  initialStatus: () => ({ replicas: 0 }),
  columns: [
    nameColumn,
    column('Desired', 'integer', 'Pods wanted.'),
    column('Current', 'integer', 'Pods that exist.'),
    column('Ready', 'integer', 'Pods that are ready.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  row: (controller, now) => [
    controller.metadata.name,
    controller.spec.replicas ?? 0,
    controller.status?.replicas ?? 0,
    controller.status?.readyReplicas ?? 0,
    age(controller, now),
    ...containerCells(controller.spec.template),
    labelsCell(controller.spec.selector),
  ],
  fields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  defaults,
  validate,
  validateStatus: validateReplicasStatus,
});

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
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { replicaSets } from '../resource.ts';
import { validateImmutable, validateNonnegative } from '../validation.ts';
import { validateEndlessTemplate, validateOwnSelector, validateSelectedTemplate } from '../workload.ts';
import { validateReplicasStatus } from '../workload-status.ts';

function defaults(set: t.ReplicaSet): t.ReplicaSet {
  const given: Partial<t.ReplicaSetSpec> = set.spec ?? {};
  const spec = { ...given, replicas: given.replicas ?? 1, template: podTemplateDefaults(given.template) };
  return { ...set, spec: spec as t.ReplicaSetSpec };
}

export const replicaSet: KindDefinition<t.ReplicaSet> = defineKind(replicaSets, {
  shortNames: ['rs'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  },
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
  row: (set, now) => [
    set.metadata.name,
    set.spec.replicas ?? 0,
    set.status?.replicas ?? 0,
    set.status?.readyReplicas ?? 0,
    age(set, now),
    ...containerCells(set.spec.template),
    selectorCell(set.spec.selector),
  ],
  fields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  defaults,
  validate: ({ spec }) => [
    ...validateNonnegative('spec.replicas', spec.replicas),
    ...validateNonnegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateOwnSelector(spec.selector, 'replicaset'),
    ...validateSelectedTemplate(spec.template, spec.selector),
    ...validateEndlessTemplate(spec.template, 'ReplicaSet'),
  ],
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec.selector', spec.selector, old.selector),
  validateStatus: validateReplicasStatus,
});

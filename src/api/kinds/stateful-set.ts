import { age, ageColumn, column, containerCells, containersColumn, imagesColumn, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { statefulSets } from '../resource.ts';
import { validateNonnegative } from '../validation.ts';
import { validateEndlessTemplate, validateOwnSelector, validateSelectedTemplate } from '../workload.ts';
import { validateStatefulSetStatus } from '../workload-status.ts';

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

function strategyDefaults(strategy: t.StatefulSetUpdateStrategy | undefined): t.StatefulSetUpdateStrategy {
  const type = strategy?.type ?? 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  const rolling = strategy?.rollingUpdate;
  return { ...strategy, type, rollingUpdate: { ...rolling, partition: rolling?.partition ?? 0 } };
}

function claimDefaults(claim: t.PersistentVolumeClaim): t.PersistentVolumeClaim {
  const spec = { ...claim.spec, volumeMode: claim.spec?.volumeMode ?? 'Filesystem' };
  const named = { apiVersion: claim.apiVersion ?? 'v1', kind: claim.kind ?? 'PersistentVolumeClaim' };
  return { ...claim, ...named, spec, status: { ...claim.status, phase: claim.status?.phase ?? 'Pending' } };
}

function defaults(set: t.StatefulSet): t.StatefulSet {
  const { spec: given } = set;
  const retention = given.persistentVolumeClaimRetentionPolicy;
  const claims = given.volumeClaimTemplates?.map(claimDefaults);
  const spec: t.StatefulSetSpec = {
    ...given,
    replicas: given.replicas ?? 1,
    serviceName: given.serviceName ?? '',
    podManagementPolicy: given.podManagementPolicy ?? 'OrderedReady',
    updateStrategy: strategyDefaults(given.updateStrategy),
    revisionHistoryLimit: given.revisionHistoryLimit ?? 10,
    persistentVolumeClaimRetentionPolicy: {
      whenDeleted: retention?.whenDeleted ?? 'Retain',
      whenScaled: retention?.whenScaled ?? 'Retain',
    },
    template: podTemplateDefaults(given.template),
    ...(claims === undefined ? {} : { volumeClaimTemplates: claims }),
  };
  return { ...set, spec };
}

/** The template as its Pods have it: each claim is a volume of that name. */
function withClaimVolumes({ template, volumeClaimTemplates = [] }: t.StatefulSetSpec): t.PodTemplateSpec {
  const names = volumeClaimTemplates.flatMap(({ metadata }) => (metadata?.name === undefined ? [] : [metadata.name]));
  if (names.length === 0 || template?.spec === undefined) return template;
  const own = (template.spec.volumes ?? []).filter(({ name }) => !names.includes(name));
  return {
    ...template,
    spec: { ...template.spec, volumes: [...own, ...names.map((name) => ({ name, emptyDir: {} }))] },
  };
}

function validatePolicies({ podManagementPolicy = '', updateStrategy }: t.StatefulSetSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!['OrderedReady', 'Parallel'].includes(podManagementPolicy)) {
    errors.push(invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const { type = '', rollingUpdate = null } = updateStrategy ?? {};
  if (!['OnDelete', 'RollingUpdate'].includes(type)) {
    const shown = { Type: type, RollingUpdate: rollingUpdate };
    errors.push(invalid('spec.updateStrategy', shown, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  return errors;
}

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: t.StatefulSetSpec): FieldError[] {
  const at = 'spec.persistentVolumeClaimRetentionPolicy';
  return Object.entries({ whenDeleted: policy?.whenDeleted, whenScaled: policy?.whenScaled }).flatMap(([key, value]) =>
    value === undefined || value === 'Retain' || value === 'Delete'
      ? []
      : [unsupported(`${at}.${key}`, value, ['Retain', 'Delete'])],
  );
}

function validate({ spec }: t.StatefulSet): FieldError[] {
  return [
    ...validatePolicies(spec),
    ...validateRetention(spec),
    ...validateNonnegative(
      'spec.updateStrategy.rollingUpdate.partition',
      spec.updateStrategy?.rollingUpdate?.partition,
    ),
    ...validateNonnegative('spec.replicas', spec.replicas),
    ...validateNonnegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateOwnSelector(spec.selector, 'statefulset'),
    ...validateSelectedTemplate(withClaimVolumes(spec), spec.selector),
    ...validateEndlessTemplate(spec.template, 'StatefulSet'),
  ];
}

function validateChange({ spec }: t.StatefulSet, { spec: old }: t.StatefulSet): FieldError[] {
  const fixed = (of: t.StatefulSetSpec): object => ({
    ...of,
    ...Object.fromEntries(MUTABLE.map((key) => [key, undefined])),
  });
  if (deepEqual(fixed(spec), fixed(old))) return [];
  const text =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  return [forbidden('spec', text)];
}

export const statefulSet: KindDefinition<t.StatefulSet> = defineKind(statefulSets, {
  shortNames: ['sts'],
  categories: ['all'],
  subresources: {
    status: true,
    scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  },
  generation: true,
  initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  columns: [
    nameColumn,
    column('Ready', 'string', 'Pods that are ready, out of those wanted.'),
    ageColumn,
    containersColumn,
    imagesColumn,
  ],
  row: (set, now) => [
    set.metadata.name,
    `${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0}`,
    age(set, now),
    ...containerCells(set.spec.template),
  ],
  defaults,
  validate,
  validateChange,
  validateStatus: validateStatefulSetStatus,
});

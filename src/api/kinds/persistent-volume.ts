import { age, ageColumn, column, nameColumn, orNone, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import { withFinalizer } from '../finalizer.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { compareQuantities } from '../quantity.ts';
import { persistentVolumes } from '../resource.ts';
import { validateChoice, validateImmutable } from '../validation.ts';
import { accessModesCell, validateModes } from '../volume-cells.ts';

/** Keeps a volume that a claim is bound to from going. */
const PROTECTION = 'kubernetes.io/pv-protection';
/** What else there is in a spec is one source: what the volume is made of. */
const NO_SOURCE = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourcesOf(spec: t.PersistentVolumeSpec): readonly (readonly [string, unknown])[] {
  return Object.entries(spec).filter(([key, value]) => !NO_SOURCE.has(key) && value !== undefined);
}

function validateSource(spec: t.PersistentVolumeSpec): FieldError[] {
  const sources = sourcesOf(spec);
  if (sources.length === 0) return [required('spec', 'must specify a volume type')];
  const errors = sources.slice(1).map(([key]) => forbidden(`spec.${key}`, 'may not specify more than 1 volume type'));
  if (spec.local !== undefined) {
    if ((spec.local.path ?? '') === '') errors.push(required('spec.local.path'));
    if (spec.nodeAffinity === undefined) {
      errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
    }
  }
  if (spec.hostPath !== undefined && (spec.hostPath.path ?? '') === '') errors.push(required('spec.hostPath.path'));
  return errors;
}

function validate({ spec }: t.PersistentVolume): FieldError[] {
  const policies = ['Delete', 'Recycle', 'Retain'];
  const capacity = spec.capacity ?? {};
  const keys = Object.keys(capacity);
  const size = capacity['storage'];
  return [
    ...((spec.accessModes ?? []).length === 0 ? [required('spec.accessModes')] : validateModes(spec.accessModes)),
    ...(keys.length === 0 ? [required('spec.capacity'), unsupported('spec.capacity', null, ['storage'])] : []),
    ...(keys.length > 0 && size === undefined ? [unsupported('spec.capacity', capacity, ['storage'])] : []),
    ...(size !== undefined && compareQuantities(size, '0') <= 0
      ? [invalid('spec.capacity[storage]', size, 'must be greater than zero')]
      : []),
    ...validateChoice('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, policies),
    ...validateSource(spec),
    ...validateChoice('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
  ];
}

function validateChange({ spec }: t.PersistentVolume, old: t.PersistentVolume): FieldError[] {
  const before = old.spec;
  const why = 'spec.persistentvolumesource is immutable after creation';
  return [
    ...(deepEqual(Object.fromEntries(sourcesOf(spec)), Object.fromEntries(sourcesOf(before)))
      ? []
      : [forbidden('spec.persistentvolumesource', why)]),
    ...validateImmutable('volumeMode', spec.volumeMode, before.volumeMode),
    ...(before.nodeAffinity === undefined
      ? []
      : validateImmutable('nodeAffinity', spec.nodeAffinity, before.nodeAffinity)),
  ];
}

export const persistentVolume: KindDefinition<t.PersistentVolume> = defineKind(persistentVolumes, {
  shortNames: ['pv'],
  subresources: { status: true },
  initialStatus: ({ metadata }) => ({ phase: 'Pending', lastPhaseTransitionTime: metadata.creationTimestamp }),
  columns: [
    nameColumn,
    column('Capacity', 'string', 'Size of the volume.'),
    column('Access Modes', 'string', 'How it may be mounted.'),
    column('Reclaim Policy', 'string', 'What becomes of it when its claim is gone.'),
    column('Status', 'string', 'Whether it is bound to a claim.'),
    column('Claim', 'string', 'The claim that it is bound to.'),
    column('StorageClass', 'string', 'Its StorageClass.'),
    column('VolumeAttributesClass', 'string', 'Its VolumeAttributesClass.'),
    column('Reason', 'string', 'Why it is in this status.'),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'Filesystem or Block.'),
  ],
  row: (volume, now) => {
    const { metadata, spec, status } = volume;
    const claim = spec.claimRef;
    return [
      metadata.name,
      spec.capacity?.['storage'] ?? '0',
      accessModesCell(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      spec.storageClassName ?? '',
      orNone(spec.volumeAttributesClassName, '<unset>'),
      status?.reason ?? '',
      age(volume, now),
      orNone(spec.volumeMode, '<unset>'),
    ];
  },
  defaults: (volume) => ({
    ...volume,
    spec: {
      ...volume.spec,
      persistentVolumeReclaimPolicy: volume.spec.persistentVolumeReclaimPolicy ?? 'Retain',
      volumeMode: volume.spec.volumeMode ?? 'Filesystem',
      ...(volume.spec.hostPath === undefined
        ? {}
        : { hostPath: { ...volume.spec.hostPath, type: volume.spec.hostPath.type ?? '' } }),
    },
  }),
  prepareCreate: (volume) => withFinalizer(volume, PROTECTION),
  validate,
  validateChange,
});

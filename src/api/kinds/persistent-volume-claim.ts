import { age, ageColumn, column, nameColumn, orNone, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import { withFinalizer } from '../finalizer.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { compareQuantities } from '../quantity.ts';
import { persistentVolumeClaims } from '../resource.ts';
import { validateChoice } from '../validation.ts';
import { accessModesCell, validateModes } from '../volume-cells.ts';
import { validateSelector } from '../workload.ts';

/** Keeps a claim that is in use from going. */
const PROTECTION = 'kubernetes.io/pvc-protection';
const STORAGE = 'spec.resources.requests.storage';

function storageOf({ spec }: t.PersistentVolumeClaim): string | undefined {
  return spec.resources?.requests?.['storage'];
}

function validate(claim: t.PersistentVolumeClaim): FieldError[] {
  const { accessModes = [], volumeMode, selector } = claim.spec;
  const storage = storageOf(claim);
  const errors: FieldError[] = [];
  if (selector !== undefined) errors.push(...validateSelector(selector, 'spec.selector'));
  if (accessModes.length === 0) errors.push(required('spec.accessModes', 'at least 1 access mode is required'));
  errors.push(...validateModes(accessModes));
  if (storage === undefined) errors.push(required('spec.resources[storage]'));
  else if (compareQuantities(storage, '0') <= 0)
    errors.push(invalid('spec.resources[storage]', storage, 'must be greater than zero'));
  return [...errors, ...validateChoice('spec.volumeMode', volumeMode, ['Block', 'Filesystem'])];
}

/** The name of the volume and a class may be set once; a bound claim may grow. */
function validateChange(claim: t.PersistentVolumeClaim, old: t.PersistentVolumeClaim): FieldError[] {
  const bound = old.status?.phase === 'Bound';
  const like = (spec: t.PersistentVolumeClaimSpec): t.PersistentVolumeClaimSpec => ({
    ...spec,
    ...((old.spec.volumeName ?? '') === '' ? { volumeName: undefined } : {}),
    ...(old.spec.storageClassName === undefined ? { storageClassName: undefined } : {}),
    ...(bound ? { resources: { ...spec.resources, requests: undefined }, volumeAttributesClassName: undefined } : {}),
  });
  const errors: FieldError[] = [];
  if (!deepEqual(like(claim.spec), like(old.spec))) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden('spec', why));
  }
  const [size = '0', before = '0', held = '0'] = [storageOf(claim), storageOf(old), old.status?.capacity?.['storage']];
  if (compareQuantities(size, before) < 0 && compareQuantities(size, held) <= 0) {
    errors.push(forbidden(STORAGE, 'field can not be less than status.capacity'));
  }
  return errors;
}

export const persistentVolumeClaim: KindDefinition<t.PersistentVolumeClaim> = defineKind(persistentVolumeClaims, {
  shortNames: ['pvc'],
  subresources: { status: true },
  initialStatus: () => ({ phase: 'Pending' }),
  columns: [
    nameColumn,
    column('Status', 'string', 'Whether it is bound to a volume.'),
    column('Volume', 'string', 'The volume that it is bound to.'),
    column('Capacity', 'string', 'Size of the volume.'),
    column('Access Modes', 'string', 'How it may be mounted.'),
    column('StorageClass', 'string', 'Its StorageClass.'),
    column('VolumeAttributesClass', 'string', 'Its VolumeAttributesClass.'),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'Filesystem or Block.'),
  ],
  row: (claim, now) => {
    const { metadata, spec, status } = claim;
    const bound = (spec.volumeName ?? '') !== '';
    return [
      metadata.name,
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      spec.volumeName ?? '',
      bound ? (status?.capacity?.['storage'] ?? '0') : '',
      bound ? accessModesCell(status?.accessModes) : '',
      spec.storageClassName ?? '',
      orNone(spec.volumeAttributesClassName, '<unset>'),
      age(claim, now),
      orNone(spec.volumeMode, '<unset>'),
    ];
  },
  defaults: (claim) => ({ ...claim, spec: { ...claim.spec, volumeMode: claim.spec.volumeMode ?? 'Filesystem' } }),
  prepareCreate: (claim) => withFinalizer(claim, PROTECTION),
  validate,
  validateChange,
});

import { age, ageColumn, column, nameColumn, orNone, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { persistentVolumeClaims } from '../resource.ts';
import { accessModesCell } from '../volume-cells.ts';

function validate({ spec }: t.PersistentVolumeClaim): FieldError[] {
  return [
    ...((spec.accessModes ?? []).length === 0
      ? [required('spec.accessModes', 'at least 1 access mode is required')]
      : []),
    ...(spec.resources?.requests?.['storage'] === undefined ? [required('spec.resources[storage]')] : []),
  ];
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
  validate,
});

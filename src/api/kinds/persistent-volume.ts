import { age, ageColumn, column, nameColumn, orNone, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { persistentVolumes } from '../resource.ts';
import { validateChoice } from '../validation.ts';
import { accessModesCell } from '../volume-cells.ts';

function validate({ spec }: t.PersistentVolume): FieldError[] {
  const policies = ['Delete', 'Recycle', 'Retain'];
  return [
    ...((spec.accessModes ?? []).length === 0 ? [required('spec.accessModes')] : []),
    ...(Object.keys(spec.capacity ?? {}).length === 0 ? [required('spec.capacity')] : []),
    ...validateChoice('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, policies),
    ...validateChoice('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
  ];
}

export const persistentVolume: KindDefinition<t.PersistentVolume> = defineKind(persistentVolumes, {
  shortNames: ['pv'],
  subresources: { status: true },
  initialStatus: () => ({ phase: 'Pending' }),
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
    },
  }),
  validate,
});

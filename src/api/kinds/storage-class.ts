import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { forbidden, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { storageClasses } from '../resource.ts';
import { validateChoice, validateImmutable } from '../validation.ts';

const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

function nameCell({ metadata }: t.StorageClass): string {
  const isDefault = DEFAULT_CLASS.some((key) => metadata.annotations?.[key] === 'true');
  return isDefault ? `${metadata.name} (default)` : metadata.name;
}

export const storageClass: KindDefinition<t.StorageClass> = defineKind(storageClasses, {
  shortNames: ['sc'],
  columns: [
    nameColumn,
    column('Provisioner', 'string', 'What makes volumes of the class.'),
    column('ReclaimPolicy', 'string', 'What becomes of a volume when its claim is gone.'),
    column('VolumeBindingMode', 'string', 'When claims are bound.'),
    column('AllowVolumeExpansion', 'string', 'Whether volumes may grow.'),
    ageColumn,
  ],
  row: (of, now) => [
    nameCell(of),
    of.provisioner,
    of.reclaimPolicy ?? 'Delete',
    of.volumeBindingMode ?? 'Immediate',
    of.allowVolumeExpansion ?? false,
    age(of, now),
  ],
  defaults: (of) => ({
    ...of,
    reclaimPolicy: of.reclaimPolicy ?? 'Delete',
    volumeBindingMode: of.volumeBindingMode ?? 'Immediate',
  }),
  validate: ({ provisioner, volumeBindingMode, reclaimPolicy }) => [
    ...((provisioner ?? '') === '' ? [required('provisioner', provisioner)] : []),
    ...validateChoice('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
    ...validateChoice('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
  ],
  validateChange: (of, old) => [
    ...(['parameters', 'provisioner', 'reclaimPolicy'] as const)
      .filter((key) => !deepEqual(of[key], old[key]))
      .map((key) => forbidden(key, `updates to ${key} are forbidden.`)),
    ...validateImmutable('volumeBindingMode', of.volumeBindingMode, old.volumeBindingMode),
  ],
});

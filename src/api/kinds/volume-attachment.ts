import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { forbidden, required, type FieldError } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Subdomain } from '../names.ts';
import { volumeAttachments } from '../resource.ts';
import { invalidAll, validateImmutable } from '../validation.ts';

const ONE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

function validateSource({ inlineVolumeSpec, persistentVolumeName }: t.VolumeAttachmentSource): FieldError[] {
  const at = 'spec.source';
  if (inlineVolumeSpec !== undefined) return persistentVolumeName === undefined ? [] : [forbidden(at, ONE)];
  if (persistentVolumeName === undefined) return [required(at, ONE)];
  if (persistentVolumeName !== '') return [];
  return [required(`${at}.persistentVolumeName`, 'must specify non empty persistentVolumeName')];
}

export const volumeAttachment: KindDefinition<t.VolumeAttachment> = defineKind(volumeAttachments, {
  unconditionalUpdate: false,
  subresources: { status: true },
  initialStatus: () => ({ attached: false }),
  columns: [
    nameColumn,
    column('Attacher', 'string', 'The driver that attaches the volume.'),
    column('PV', 'string', 'The volume.'),
    column('Node', 'string', 'The node that it is attached to.'),
    column('Attached', 'boolean', 'Whether it is.'),
    ageColumn,
  ],
  row: (of, now) => [
    of.metadata.name,
    of.spec.attacher,
    of.spec.source?.persistentVolumeName ?? '',
    of.spec.nodeName,
    of.status?.attached ?? false,
    age(of, now),
  ],
  validate: ({ spec }) => [
    ...((spec.attacher ?? '') === '' ? [required('spec.attacher')] : []),
    ...validateSource(spec.source ?? {}),
    ...invalidAll('spec.nodeName', spec.nodeName ?? '', checkDns1123Subdomain(spec.nodeName ?? '')),
  ],
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec', spec, old),
});

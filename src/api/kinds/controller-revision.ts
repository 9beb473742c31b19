import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { controllerOf, type OwnerReference } from '../object.ts';
import { controllerRevisions } from '../resource.ts';
import { validateImmutable, validateNonnegative } from '../validation.ts';

function controllerCell(revision: t.ControllerRevision): string {
  const owner: Partial<OwnerReference> | undefined = controllerOf(revision);
  if (owner === undefined) return '<none>';
  const { apiVersion = '', kind = '', name = '' } = owner;
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0] ?? ''}` : '';
  return `${kind.toLowerCase()}${group}/${name}`;
}

function validate({ data, revision }: t.ControllerRevision): FieldError[] {
  return [
    ...(data === undefined ? [required('data', 'data is mandatory')] : []),
    ...validateNonnegative('revision', revision),
  ];
}

export const controllerRevision: KindDefinition<t.ControllerRevision> = defineKind(controllerRevisions, {
  columns: [
    nameColumn,
    column('Controller', 'string', 'The object that this is a revision of.'),
    column('Revision', 'string', 'Its number, growing with time.'),
    ageColumn,
  ],
  row: (revision, now) => [revision.metadata.name, controllerCell(revision), revision.revision, age(revision, now)],
  validate,
  validateChange: (revision, old) => validateImmutable('data', revision.data, old.data),
});

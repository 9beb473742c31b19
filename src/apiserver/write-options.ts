import { unsupported, invalidStatus, type FieldError } from '#api/field-error.ts';
import { type FieldValidation } from '#api/field-check.ts';
import { StatusError } from './status-error.ts';

/** The query of a create, update or patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

const FIELD_VALIDATIONS: readonly string[] = ['Ignore', 'Strict', 'Warn'];

export function parseWriteOptions(
  query: Readonly<Record<string, string>>,
  optionsKind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  const { dryRun = '', fieldValidation = '' } = query;
  const errors: FieldError[] = [];
  if (dryRun !== '' && dryRun !== 'All') errors.push(unsupported('dryRun', [dryRun], ['All']));
  if (fieldValidation !== '' && !FIELD_VALIDATIONS.includes(fieldValidation)) {
    errors.push(unsupported('fieldValidation', fieldValidation, FIELD_VALIDATIONS));
  }
  if (errors.length > 0) throw new StatusError(invalidStatus({ group: 'meta.k8s.io', kind: optionsKind }, '', errors));
  return { dryRun: dryRun === 'All', fieldValidation: (fieldValidation || 'Warn') as FieldValidation };
}

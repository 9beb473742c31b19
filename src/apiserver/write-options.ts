import {
  forbidden,
  invalid,
  invalidStatus,
  required,
  tooLong,
  unsupported,
  type FieldError,
} from '#api/field-error.ts';
import type { FieldValidation } from '#api/field-check.ts';
import { isTrue } from './request-info.ts';
import { StatusError } from './status-error.ts';

/** The query of a create, update or patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Of an apply: take what others own. */
  readonly force: boolean;
}

const MAX_MANAGER_BYTES = 128;
const FIELD_VALIDATIONS: readonly string[] = ['Ignore', 'Strict', 'Warn'];

export function parseWriteOptions(
  query: Readonly<Record<string, string>>,
  optionsKind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply: boolean = false,
): WriteOptions {
  const { dryRun = '', fieldValidation = '', fieldManager = '', force } = query;
  const errors: FieldError[] = [];
  if (dryRun !== '' && dryRun !== 'All') errors.push(unsupported('dryRun', [dryRun], ['All']));
  if (fieldValidation !== '' && !FIELD_VALIDATIONS.includes(fieldValidation)) {
    errors.push(unsupported('fieldValidation', fieldValidation, ['', ...FIELD_VALIDATIONS]));
  }
  errors.push(...managerErrors(fieldManager, force, optionsKind === 'PatchOptions', isApply));
  if (errors.length > 0) throw new StatusError(invalidStatus({ group: 'meta.k8s.io', kind: optionsKind }, '', errors));
  return {
    dryRun: dryRun === 'All',
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    force: isTrue(force),
  };
}

function managerErrors(
  fieldManager: string,
  force: string | undefined,
  isPatch: boolean,
  isApply: boolean,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (isApply && fieldManager === '') errors.push(required('fieldManager', 'is required for apply patch'));
  if (isPatch && !isApply && force !== undefined) {
    errors.push(forbidden('force', 'may not be specified for non-apply patch'));
  }
  if (Buffer.byteLength(fieldManager) > MAX_MANAGER_BYTES) errors.push(tooLong('fieldManager', MAX_MANAGER_BYTES));
  const points = Array.from(fieldManager);
  const at = points.findIndex((character) => UNPRINTABLE.test(character));
  if (at >= 0) {
    const code = (points[at]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    errors.push(invalid('fieldManager', fieldManager, `invalid character U+${code} (at position ${at})`));
  }
  return errors;
}

/** Of spaces only the plain one can be printed. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

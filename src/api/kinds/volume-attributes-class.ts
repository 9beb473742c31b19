import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkQualifiedName } from '../names.ts';
import { volumeAttributesClasses } from '../resource.ts';
import { invalidAll } from '../validation.ts';

const MAX_PARAMETERS = 512;
const MAX_PARAMETER_BYTES = 256 * 1024;

function validateDriver(name: string): FieldError[] {
  if (name === '') return [required('driverName', name)];
  return invalidAll('driverName', name.toLowerCase(), checkQualifiedName(name.toLowerCase()));
}

function validateParameters(parameters: Readonly<Record<string, string>>): FieldError[] {
  const entries = Object.entries(parameters);
  if (entries.length > MAX_PARAMETERS) return [tooLong('parameters', MAX_PARAMETERS)];
  const errors = Object.hasOwn(parameters, '') ? [invalid('parameters', '', 'field can not be empty.')] : [];
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > MAX_PARAMETER_BYTES) errors.push(tooLong('parameters', MAX_PARAMETER_BYTES));
  if (entries.length === 0) errors.push(required('parameters', 'must contain at least one key/value pair'));
  return errors;
}

export const volumeAttributesClass: KindDefinition<t.VolumeAttributesClass> = defineKind(volumeAttributesClasses, {
  shortNames: ['vac'],
  columns: [nameColumn, column('DriverName', 'string', 'The driver whose volumes have these attributes.'), ageColumn],
  row: (of, now) => [of.metadata.name, of.driverName, age(of, now)],
  validate: ({ driverName = '', parameters = {} }) => [
    ...validateDriver(driverName),
    ...validateParameters(parameters),
  ],
  validateChange: (of, old) =>
    (['driverName', 'parameters'] as const)
      .filter((key) => !deepEqual(of[key], old[key]))
      .map((key) => forbidden(key, `updates to ${key} are forbidden.`)),
});

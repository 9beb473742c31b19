import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, tooLong } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkConfigKey } from '../names.ts';
import { configMaps } from '../resource.ts';
import { invalidAll } from '../validation.ts';

const MAX_BYTES = 1024 * 1024;

function validate({ data = {}, binaryData = {} }: t.ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidAll(`data[${key}]`, key, checkConfigKey(key)));
    if (Object.hasOwn(binaryData, key)) {
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...invalidAll(`binaryData[${key}]`, key, checkConfigKey(key)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  return bytes > MAX_BYTES ? [...errors, tooLong('[]', MAX_BYTES)] : errors;
}

function validateChange(map: t.ConfigMap, old: t.ConfigMap): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  const text = 'field is immutable when `immutable` is set';
  if (map.immutable !== true) errors.push(forbidden('immutable', text));
  for (const key of ['data', 'binaryData'] as const) {
    if (!deepEqual(map[key] ?? {}, old[key] ?? {})) errors.push(forbidden(key, text));
  }
  return errors;
}

export const configMap: KindDefinition<t.ConfigMap> = defineKind(configMaps, {
  shortNames: ['cm'],
  columns: [nameColumn, column('Data', 'string', 'Number of keys.'), ageColumn],
  row: (map, now) => [
    map.metadata.name,
    Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length,
    age(map, now),
  ],
  validate,
  validateChange,
});

import { deepEqual } from '../equal.ts';
import {
  duplicate,
  type FieldError,
  invalid,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  unsupported,
} from '../field-error.ts';
import { isObject, valueAt } from '../patch/json-value.ts';
import { PatternError } from '../re2/pattern-error.ts';
import { type Re2, re2 } from '../re2/regexp.ts';
import { formatProblem } from './formats.ts';
import { itemKey } from './rule-value.ts';
import { memberSchema, type StructuralSchema } from './structural-schema.ts';

/**
 * What is wrong with a value by its schema, in the words of the validator that clients know. What was so in `old` already is
 * not held against a change of something else (KEP-4008).
 */
export function validateValue(
  value: unknown,
  schema: StructuralSchema,
  field: string = '',
  old?: unknown,
): FieldError[] {
  if (value === null && schema.nullable === true) return [];
  const typeError = checkType(value, schema, field);
  const errors =
    typeError === undefined
      ? [...validateOwn(value, schema, field, old), ...validateCombined(value, schema, field)]
      : [typeError];
  return errors.length > 0 && old !== undefined && deepEqual(value, old) ? [] : errors;
}

function validateOwn(value: unknown, schema: StructuralSchema, field: string, old: unknown): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => deepEqual(allowed, value))) {
    errors.push(unsupported(field, value, schema.enum.map(String)));
  }
  if (typeof value === 'number') errors.push(...validateNumber(value, schema, field));
  else if (typeof value === 'string') errors.push(...validateString(value, schema, field));
  else if (Array.isArray(value)) errors.push(...validateList(value, schema, field, old));
  else if (isObject(value)) errors.push(...validateObject(value, schema, field, old));
  return errors;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(value: unknown, schema: StructuralSchema, field: string): FieldError | undefined {
  const actual = typeName(value);
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (actual === 'integer' || actual === 'string') return undefined;
    return typeInvalid(field, actual, `${field} in body must be of type integer,string: ${JSON.stringify(actual)}`);
  }
  const { type } = schema;
  if (type === undefined || type === '' || type === actual || (type === 'number' && actual === 'integer')) {
    return undefined;
  }
  return typeInvalid(field, actual, `${field} in body must be of type ${type}: ${JSON.stringify(actual)}`);
}

function validateNumber(value: number, schema: StructuralSchema, field: string): FieldError[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const errors: FieldError[] = [];
  const refuse = (why: string): number => errors.push(invalid(field, value, `${field} in body should be ${why}`));
  if (maximum !== undefined) {
    if (exclusiveMaximum === true && value >= maximum) refuse(`less than ${maximum}`);
    else if (value > maximum) refuse(`less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum === true && value <= minimum) refuse(`greater than ${minimum}`);
    else if (value < minimum) refuse(`greater than or equal to ${minimum}`);
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) refuse(`a multiple of ${multipleOf}`);
  return errors;
}

/** A definition of long ago may have a pattern that is none: it holds of everything. */
function compiled(pattern: string): Re2 | undefined {
  try {
    return re2(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return undefined;
  }
}

function validateString(value: string, schema: StructuralSchema, field: string): FieldError[] {
  const { minLength, maxLength, pattern, format } = schema;
  const errors: FieldError[] = [];
  const length = Array.from(value).length;
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(field, maxLength));
  if (minLength !== undefined && length < minLength) {
    errors.push(invalid(field, value, `${field} in body should be at least ${minLength} chars long`));
  }
  if (pattern !== undefined && compiled(pattern)?.test(value) === false) {
    errors.push(invalid(field, value, `${field} in body should match '${pattern}'`));
  }
  if (format !== undefined && formatProblem(format, value)) {
    errors.push(invalid(field, value, `${field} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
  return errors;
}

function validateList(list: readonly unknown[], schema: StructuralSchema, field: string, old: unknown): FieldError[] {
  const { minItems, maxItems, items } = schema;
  const errors: FieldError[] = [];
  if (minItems !== undefined && list.length < minItems) {
    errors.push(invalid(field, list.length, `${field} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(field, list.length, maxItems));
  if (items !== undefined) {
    const before = oldItems(schema, old);
    for (const [index, item] of list.entries()) {
      errors.push(...validateValue(item, items, `${field}[${index}]`, before(item)));
    }
  }
  return [...errors, ...validateIdentity(list, schema, field)];
}

/** Finds what an item of a keyed list was before; those of others cannot be told from each other. */
function oldItems(schema: StructuralSchema, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const known = new Map(old.filter(isObject).map((item) => [itemKey(item, keys), item]));
  return (item) => (isObject(item) ? known.get(itemKey(item, keys)) : undefined);
}

/** Items of sets and keyed lists are there once. */
function validateIdentity(list: readonly unknown[], schema: StructuralSchema, field: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, item] of list.entries()) {
    const identity =
      type === 'map' && isObject(item) ? Object.fromEntries(keys.map((key) => [key, valueAt(item, key)])) : item;
    const text = JSON.stringify(identity);
    if (seen.has(text)) errors.push(duplicate(`${field}[${index}]`, identity));
    seen.add(text);
  }
  return errors;
}

function validateObject(
  value: Readonly<Record<string, unknown>>,
  schema: StructuralSchema,
  field: string,
  old: unknown,
): FieldError[] {
  const { minProperties, maxProperties } = schema;
  const errors: FieldError[] = [];
  const size = Object.keys(value).length;
  if (minProperties !== undefined && size < minProperties) {
    errors.push(invalid(field, size, `${field} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && size > maxProperties) errors.push(tooMany(field, size, maxProperties));
  for (const key of schema.required ?? []) {
    if (valueAt(value, key) === undefined) errors.push(required(below(field, key)));
  }
  for (const [key, member] of Object.entries(value)) {
    const memberOf = memberSchema(schema, key);
    if (memberOf === undefined || member === undefined) continue;
    const before = isObject(old) ? valueAt(old, key) : undefined;
    errors.push(...validateValue(member, memberOf, below(field, key), before));
  }
  return errors;
}

function below(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`;
}

function validateCombined(value: unknown, schema: StructuralSchema, field: string): FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const errors = allOf.flatMap((part) => validateValue(value, part, field));
  const holds = (part: StructuralSchema): boolean => validateValue(value, part, field).length === 0;
  const refuse = (why: string): number => errors.push(invalid(field, value, `${JSON.stringify(field)} ${why}`));
  if (anyOf.length > 0 && !anyOf.some(holds)) refuse('must validate at least one schema (anyOf)');
  if (oneOf.length > 0) {
    const valid = oneOf.filter(holds).length;
    if (valid !== 1) {
      refuse(`must validate one and only one schema (oneOf). Found ${valid === 0 ? 'none' : valid} valid`);
    }
  }
  if (not !== undefined && holds(not)) refuse('must not validate the schema (not)');
  return errors;
}

import { checkFields } from '../field-check.ts';
import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import { PatternError } from '../re2/pattern-error.ts';
import { re2 } from '../re2/regexp.ts';
import { fillDefaults } from './fill-defaults.ts';
import { preservesUnknown, type StructuralSchema } from './structural-schema.ts';
import { validateValue } from './value-validation.ts';

const TYPES: ReadonlySet<string> = new Set(['array', 'boolean', 'integer', 'number', 'object', 'string']);

/** Whether a schema is structural: one that says of every field what it is. */
export function validateSchema(schema: StructuralSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type !== 'object') {
    if ((schema.type ?? '') === '') errors.push(required(`${at}.type`, 'must not be empty at the root'));
    else errors.push(invalid(`${at}.type`, schema.type, 'must be object at the root'));
  }
  return [...errors, ...validateNode(schema, at)];
}

function validateNode(schema: StructuralSchema, at: string): FieldError[] {
  const errors = [...validateOwn(schema, at), ...validateLists(schema, at), ...validateBelow(schema, at)];
  if (errors.length === 0 && schema.default !== undefined) {
    const filled = fillDefaults(schema.default, schema);
    errors.push(...validateValue(filled, { ...schema, default: undefined }, `${at}.default`));
  }
  return errors;
}

/** These two may be something else than a schema in JSON, so no decoder has looked at them yet. */
function isSchema(value: unknown, at: string, errors: FieldError[]): boolean {
  const checked = checkFields('JSONSchemaProps', value, 'Ignore');
  if (checked.kind === 'wrong') errors.push(invalid(at, value, checked.message));
  return checked.kind === 'ok';
}

function validateOwn(schema: StructuralSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '', additionalProperties, properties } = schema;
  if (type !== '' && !TYPES.has(type)) {
    errors.push(invalid(`${at}.type`, type, `must be ${[...TYPES].join(', ')}`));
  }
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbidden(`${at}.uniqueItems`, why));
  }
  const problem = patternProblem(schema.pattern);
  if (problem !== undefined) {
    errors.push(invalid(`${at}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${problem}`));
  }
  if (additionalProperties === false) {
    errors.push(forbidden(`${at}.additionalProperties`, 'additionalProperties cannot be set to false'));
  } else if (additionalProperties !== undefined && Object.keys(properties ?? {}).length > 0) {
    const why = 'additionalProperties and properties are mutual exclusive';
    errors.push(forbidden(`${at}.additionalProperties`, why));
  }
  for (const key of ['$ref', 'definitions', 'dependencies', 'patternProperties', 'id'] as const) {
    if ((schema as Readonly<Record<string, unknown>>)[key] !== undefined) {
      errors.push(forbidden(`${at}.${key}`, `${key} is not supported`));
    }
  }
  return errors;
}

function validateLists(schema: StructuralSchema, at: string): FieldError[] {
  const list = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  if (schema.type === 'array' && schema.items === undefined) {
    errors.push(required(`${at}.items`, 'must be specified'));
  }
  if (list !== undefined && schema.type !== 'array') {
    errors.push(invalid(`${at}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  }
  if (list === 'map' && keys.length === 0) {
    const why = 'must not be empty if x-kubernetes-list-type is map';
    errors.push(required(`${at}.x-kubernetes-list-map-keys`, why));
  }
  for (const [index, key] of keys.entries()) {
    if (schema.items?.properties?.[key] === undefined) {
      const why = 'entries must all be names of item properties';
      errors.push(invalid(`${at}.x-kubernetes-list-map-keys[${index}]`, key, why));
    }
  }
  return errors;
}

function validateBelow(schema: StructuralSchema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (below: StructuralSchema, field: string, what: string): void => {
    const needsType = below['x-kubernetes-int-or-string'] !== true && !preservesUnknown(below);
    if ((below.type ?? '') === '' && needsType) {
      errors.push(required(`${field}.type`, `must not be empty for ${what}`));
    }
    errors.push(...validateNode(below, field));
  };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    check(property, `${at}.properties[${name}]`, 'specified object fields');
  }
  if (schema.items !== undefined && isSchema(schema.items, `${at}.items`, errors)) {
    check(schema.items, `${at}.items`, 'specified array items');
  }
  const { additionalProperties: members } = schema;
  if (typeof members === 'object' && isSchema(members, `${at}.additionalProperties`, errors)) {
    check(members, `${at}.additionalProperties`, 'specified object fields');
  }
  return errors;
}

function patternProblem(pattern: string | undefined): string | undefined {
  try {
    if (pattern !== undefined) re2(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

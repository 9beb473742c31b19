import * as types from '../cel/cel-type.ts';
import type { CelType } from '../cel/cel-type.ts';
import { isObject } from '../patch/json-value.ts';
import type { StructuralSchema } from './structural-schema.ts';

const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The name that an expression has for a field; undefined for a field that no expression can name. */
export function escapedName(field: string): string | undefined {
  if (RESERVED.has(field)) return `__${field}__`;
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(field)) return undefined;
  return field.replaceAll(/__|[-./]/g, (part) => ESCAPES[part] ?? part);
}

const TEXT: StructuralSchema = { type: 'string' };

/** Of the metadata of an object rules see what it is called, and no more. */
const META: StructuralSchema = { type: 'object', properties: { name: TEXT, generateName: TEXT } };

const resources = new WeakMap<StructuralSchema, StructuralSchema>();

/** The schema of a whole object, or of one that is embedded in another, with what all of these have. */
export function resourceSchema(schema: StructuralSchema): StructuralSchema {
  let known = resources.get(schema);
  if (known === undefined) {
    known = { ...schema, properties: { ...schema.properties, kind: TEXT, apiVersion: TEXT, metadata: META } };
    resources.set(schema, known);
  }
  return known;
}

export function isEmbedded(schema: StructuralSchema): boolean {
  return schema['x-kubernetes-embedded-resource'] === true;
}

/** A type with the fields of the schema that it stands for. */
export interface RuleType {
  readonly type: CelType;
  /** Schemas of an object's fields by the names that expressions have for them. */
  readonly fields: ReadonlyMap<string, { readonly name: string; readonly schema: StructuralSchema }>;
}

const known = new WeakMap<StructuralSchema, RuleType | null>();
const NO_FIELDS: RuleType['fields'] = new Map();

/** What a rule sees of values of a schema; undefined where the schema says too little to see anything. */
export function ruleType(schema: StructuralSchema): RuleType | undefined {
  let found = known.get(schema);
  if (found === undefined) {
    found = made(schema) ?? null;
    known.set(schema, found);
  }
  return found ?? undefined;
}

function made(schema: StructuralSchema): RuleType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return plain(types.DYN);
  const { type, items, additionalProperties } = schema;
  if (type === 'array') {
    const item = items === undefined ? undefined : nested(items);
    return item === undefined ? undefined : plain(types.listOf(item.type));
  }
  if (type === 'object') {
    if (!isObject(additionalProperties)) return objectOf(schema);
    const member = nested(additionalProperties);
    return member === undefined ? undefined : plain(types.mapOf(types.STRING, member.type));
  }
  const scalar = scalarType(schema);
  return scalar === undefined ? undefined : plain(scalar);
}

function plain(type: CelType): RuleType {
  return { type, fields: NO_FIELDS };
}

/** The type of a value within another. */
export function nested(schema: StructuralSchema): RuleType | undefined {
  return ruleType(isEmbedded(schema) ? resourceSchema(schema) : schema);
}

function objectOf(schema: StructuralSchema): RuleType {
  const fields = new Map<string, { readonly name: string; readonly schema: StructuralSchema }>();
  const seen = new Map<string, CelType>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapedName(name);
    const type = nested(property);
    if (escaped === undefined || type === undefined) continue;
    // Behind a dot a reserved word is a name like others.
    for (const shown of RESERVED.has(name) ? [escaped, name] : [escaped]) {
      fields.set(shown, { name, schema: property });
      seen.set(shown, type.type);
    }
  }
  return { type: types.objectType('object', seen), fields };
}

function scalarType({ type, format }: StructuralSchema): CelType | undefined {
  switch (type) {
    case 'boolean':
      return types.BOOL;
    case 'integer':
      return types.INT;
    case 'number':
      return types.DOUBLE;
    case 'string':
      return TEXT_FORMATS[format ?? ''] ?? types.STRING;
    default:
      return undefined;
  }
}

const TEXT_FORMATS: Readonly<Record<string, CelType>> = {
  byte: types.BYTES,
  duration: types.DURATION,
  date: types.TIMESTAMP,
  'date-time': types.TIMESTAMP,
};

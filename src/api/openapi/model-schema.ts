import { fieldsOf, isModel, type TypeName } from '../patch/field-type.ts';
import { declaredMerge, isAtomicMap, isAtomicObject } from '../patch/list-keys.ts';
import { QUANTITIES } from '../schema.ts';
import { SCALAR_DEFINITIONS } from './definition-name.ts';
import { fieldDescription, modelDescription } from './descriptions.ts';

/** A JSON schema as far as our documents use it. */
export type Schema = Readonly<Record<string, unknown>>;

/** How a document of one version writes what the versions write differently. */
export interface Dialect {
  /** `#/definitions/` or `#/components/schemas/`. */
  readonly refPrefix: string;
  readonly intOrString: Schema;
  readonly quantity: Schema;
}

const SCALARS: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
};

/** The schema of a model; `names` has the definition name of each model that it may refer to. */
export function modelSchema(model: string, names: ReadonlyMap<string, string>, dialect: Dialect): Schema {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const [field, { type, required: must }] of fieldsOf(model)) {
    properties[field] = fieldSchema(model, field, type, names, dialect);
    if (must) required.push(field);
  }
  const description = modelDescription(model);
  return {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties,
    ...(isAtomicObject(model) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}

function fieldSchema(
  model: string,
  field: string,
  type: TypeName,
  names: ReadonlyMap<string, string>,
  dialect: Dialect,
): Schema {
  const description = fieldDescription(model, field);
  const bare = typeSchema(refinedType(model, field, type), names, dialect);
  // What stands beside a $ref is ignored in OpenAPI v2 and v3.0: the reference goes into an allOf.
  const schema =
    description !== undefined && bare['$ref'] !== undefined && dialect.refPrefix !== '#/definitions/'
      ? { allOf: [bare] }
      : bare;
  return {
    ...(description === undefined ? {} : { description }),
    ...schema,
    ...mergeExtensions(model, field, type),
  };
}

/** The field table has quantities and stored field sets as plain strings and objects, and what is any value as an object. */
function refinedType(model: string, field: string, type: TypeName): TypeName {
  const amount = QUANTITIES[`${model}.${field}`];
  if (amount !== undefined) return amount;
  if (model === 'JSONSchemaProps') return type.replace('any', 'json');
  return model === 'ManagedFieldsEntry' && field === 'fieldsV1' ? 'fields' : type;
}

function typeSchema(type: TypeName, names: ReadonlyMap<string, string>, dialect: Dialect): Schema {
  if (type.startsWith('[]')) return { type: 'array', items: typeSchema(type.slice(2), names, dialect) };
  if (type.startsWith('{}')) {
    return { type: 'object', additionalProperties: typeSchema(type.slice(2), names, dialect) };
  }
  const name = isModel(type) ? names.get(type) : SCALAR_DEFINITIONS[type];
  if (name !== undefined) return { $ref: `${dialect.refPrefix}${name}` };
  return SCALARS[type] ?? { type: 'object' };
}

/** `kubectl apply` takes its merge keys from these, server-side apply of clients its list types. */
function mergeExtensions(model: string, field: string, type: TypeName): Schema {
  const merge = declaredMerge(model, field);
  const extensions: Record<string, unknown> = {};
  if (type.startsWith('[]')) {
    extensions['x-kubernetes-list-type'] = merge?.listType ?? 'atomic';
    if (merge?.listType === 'map') extensions['x-kubernetes-list-map-keys'] = merge.mapKeys;
  } else if (isAtomicMap(model, field)) {
    extensions['x-kubernetes-map-type'] = 'atomic';
  }
  if (merge?.mergeKey !== undefined) extensions['x-kubernetes-patch-merge-key'] = merge.mergeKey;
  const strategies = strategiesOf(model, field, type);
  if (strategies.length > 0) extensions['x-kubernetes-patch-strategy'] = strategies.join(',');
  return extensions;
}

function strategiesOf(model: string, field: string, type: TypeName): string[] {
  const merge = declaredMerge(model, field);
  if (merge === undefined) return [];
  const list = type.startsWith('[]');
  return [
    ...(list && merge.strategy === 'merge' ? ['merge'] : []),
    ...(!list && merge.strategy === 'replace' ? ['replace'] : []),
    ...(merge.retainKeys ? ['retainKeys'] : []),
  ];
}

/** The definitions behind scalars of the field table, by definition name. */
export function scalarSchemas(dialect: Dialect): Readonly<Record<string, Schema>> {
  return {
    [SCALAR_DEFINITIONS['time'] ?? '']: { type: 'string', format: 'date-time' },
    [SCALAR_DEFINITIONS['microTime'] ?? '']: { type: 'string', format: 'date-time' },
    [SCALAR_DEFINITIONS['fields'] ?? '']: { type: 'object' },
    [SCALAR_DEFINITIONS['patch'] ?? '']: { type: 'object' },
    [SCALAR_DEFINITIONS['listMeta'] ?? '']: {
      type: 'object',
      properties: {
        continue: { type: 'string' },
        remainingItemCount: { type: 'integer', format: 'int64' },
        resourceVersion: { type: 'string' },
        selfLink: { type: 'string' },
      },
    },
    [SCALAR_DEFINITIONS['intOrString'] ?? '']: dialect.intOrString,
    [SCALAR_DEFINITIONS['quantity'] ?? '']: dialect.quantity,
    // Without a type: a default or an item of an enumeration may be anything.
    [SCALAR_DEFINITIONS['json'] ?? '']: { description: 'Any JSON value.' },
  };
}

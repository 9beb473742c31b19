import * as types from '../cel/cel-type.ts';
import type { CelType } from '../cel/cel-type.ts';
import { escapedName, ruleType } from '../custom/rule-type.ts';
import type { KindDefinition } from '../kind.ts';
import { modelSchema } from '../schema.ts';

const SCALARS: Readonly<Record<string, CelType>> = {
  string: types.STRING,
  boolean: types.BOOL,
  int32: types.INT,
  int64: types.INT,
  double: types.DOUBLE,
  bytes: types.BYTES,
  time: types.TIMESTAMP,
  microTime: types.TIMESTAMP,
};

/** What expressions see of the objects of a kind, when their types are checked. */
export function kindType({ resource, model, custom }: KindDefinition): CelType {
  if (custom === undefined) return modelType(model, resource.kind, new Map());
  const own = ruleType(custom.schema)?.type;
  const metadata = modelType('ObjectMeta', 'ObjectMeta', new Map());
  const fields = [...(own?.fields ?? []), ['apiVersion', types.STRING], ['kind', types.STRING], ['metadata', metadata]];
  return types.objectType(resource.kind, new Map(fields as [string, CelType][]));
}

/** Models refer to each other, also in rings: each is made once and filled in later. */
function modelType(model: string, name: string, known: Map<string, CelType>): CelType {
  const before = known.get(model);
  if (before !== undefined) return before;
  const fields = new Map<string, CelType>();
  const type = types.objectType(name, fields);
  known.set(model, type);
  for (const [field, schema] of modelSchema(model)?.fields ?? []) {
    const escaped = escapedName(field);
    if (escaped !== undefined) fields.set(escaped, fieldType(schema.type, known));
  }
  return type;
}

function fieldType(type: string, known: Map<string, CelType>): CelType {
  if (type.startsWith('[]')) return types.listOf(fieldType(type.slice(2), known));
  if (type.startsWith('{}')) return types.mapOf(types.STRING, fieldType(type.slice(2), known));
  // Amounts and `intOrString` come as numbers and as texts.
  return SCALARS[type] ?? (modelSchema(type) === undefined ? types.DYN : modelType(type, type, known));
}

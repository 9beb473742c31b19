import { assign, isObject, type JsonObject, valueAt } from '../patch/json-value.ts';
import { memberSchema, type StructuralSchema } from './structural-schema.ts';

/** Fills in what a schema has defaults for. A null where none may be counts as absent. */
export function fillDefaults(value: unknown, schema: StructuralSchema): unknown {
  if (Array.isArray(value)) return fillItems(value, schema.items);
  if (!isObject(value)) return value;
  let next: JsonObject | undefined;
  const set = (key: string, member: unknown): void => {
    next ??= { ...value };
    assign(next, key, member);
  };
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const member = valueAt(value, key);
    const isAbsent = member === undefined || (member === null && property.nullable !== true);
    if (isAbsent && property.default !== undefined) set(key, property.default);
  }
  const filled: JsonObject = next ?? value;
  for (const [key, member] of Object.entries(filled)) {
    const below = memberSchema(schema, key);
    if (below === undefined) continue;
    const deep = fillDefaults(member, below);
    if (deep !== member) set(key, deep);
  }
  return next ?? value;
}

function fillItems(list: unknown[], items: StructuralSchema | undefined): unknown[] {
  if (items === undefined) return list;
  let next: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const filled = fillDefaults(item, items);
    if (filled === item) continue;
    next ??= list.slice();
    next[index] = filled;
  }
  return next ?? list;
}

import { assign, isObject, type JsonObject } from '../patch/json-value.ts';
import { memberSchema, preservesUnknown, type StructuralSchema, TYPE_META } from './structural-schema.ts';

export interface Pruned {
  readonly value: unknown;
  /** Where the fields were that are gone: `spec.foo`, `spec.list[0].bar`. */
  readonly unknown: readonly string[];
}

/** Drops the fields that a schema does not have. The value itself is left alone, and shared as far as it stays. */
export function pruneUnknown(value: unknown, schema: StructuralSchema, isResource: boolean = false): Pruned {
  const unknown: string[] = [];
  return { value: prune(value, schema, isResource, '', unknown), unknown };
}

function prune(
  value: unknown,
  schema: StructuralSchema,
  isResource: boolean,
  path: string,
  unknown: string[],
): unknown {
  if (Array.isArray(value)) return pruneItems(value, schema, path, unknown);
  if (!isObject(value)) return value;
  const keeps = isResource || schema['x-kubernetes-embedded-resource'] === true;
  let next: JsonObject | undefined;
  for (const [key, member] of Object.entries(value)) {
    if (keeps && TYPE_META.has(key)) continue;
    const at = path === '' ? key : `${path}.${key}`;
    const below = memberSchema(schema, key);
    if (below === undefined) {
      if (preservesUnknown(schema)) continue;
      unknown.push(at);
      next ??= { ...value };
      delete next[key];
      continue;
    }
    const kept = prune(member, below, false, at, unknown);
    if (kept === member) continue;
    next ??= { ...value };
    assign(next, key, kept);
  }
  return next ?? value;
}

function pruneItems(list: unknown[], { items }: StructuralSchema, path: string, unknown: string[]): unknown[] {
  if (items === undefined) return list;
  let next: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const kept = prune(item, items, false, `${path}[${index}]`, unknown);
    if (kept === item) continue;
    next ??= list.slice();
    next[index] = kept;
  }
  return next ?? list;
}

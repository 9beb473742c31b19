import { assign, isObject, type JsonObject, jsonTypeName, valueAt } from './json-value.ts';
import { badPatch } from './patch-error.ts';

/**
 * Applies a JSON merge patch (RFC 7386) and returns the new document, which shares what the patch leaves alone. Nulls
 * inside objects that are added go away with it, also inside lists, as Kubernetes has it. Throws `PatchError`.
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) {
    if (patch === null) throw badPatch('Invalid JSON Patch');
    throw badPatch(
      `error decoding patch: json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`,
    );
  }
  return mergeObjects(isObject(document) ? document : {}, patch);
}

function mergeObjects(document: Readonly<JsonObject>, patch: Readonly<JsonObject>): JsonObject {
  const merged: JsonObject = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    const before = valueAt(merged, key);
    if (value === null) delete merged[key];
    else assign(merged, key, isObject(before) && isObject(value) ? mergeObjects(before, value) : withoutNulls(value));
  }
  return merged;
}

/** Drops the null members of objects at any depth. Null items of lists are values and stay. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNulls(item));
  if (!isObject(value)) return value;
  const pruned: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== null) assign(pruned, key, withoutNulls(member));
  }
  return pruned;
}

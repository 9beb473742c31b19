import { orderItems } from './element-order.ts';
import { itemType, memberType, type TypeName } from './field-type.ts';
import { goMap, goType, goValue } from './go-text.ts';
import { assign, isObject, type JsonObject, jsonTypeName, valueAt } from './json-value.ts';
import { type FieldMerge, listMerge, objectMerge } from './list-keys.ts';
import { badPatch, patchDoesNotApply, patchFailed } from './patch-error.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_SCALARS = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch to an object of `model` and returns the new one, which shares what the patch leaves
 * alone; neither argument is changed. Lists merge by the keys in `list-keys.ts`; the patch may say otherwise with
 * `$patch`, `$retainKeys`, `$setElementOrder/<list>` and `$deleteFromPrimitiveList/<list>`. Throws `PatchError`.
 */
export function applyStrategicMergePatch(document: unknown, patch: unknown, model: string): JsonObject {
  if (!isObject(patch)) {
    throw badPatch(`json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`);
  }
  return mergeObjects(isObject(document) ? document : {}, patch, model);
}

function mergeObjects(
  document: Readonly<JsonObject>,
  patch: Readonly<JsonObject>,
  type: TypeName | undefined,
): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return replaceByDirective(patch);
  const merged = retainKeys(document, patch);
  const done = mergeOrderedLists(merged, patch, type);
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN_KEYS || key.startsWith(SET_ORDER) || done.has(key)) continue;
    if (key.startsWith(DELETE_SCALARS)) {
      deleteScalars(merged, key.slice(DELETE_SCALARS.length), value);
    } else if (value === null) {
      delete merged[key];
    } else {
      const result = mergeField(valueAt(merged, key), value, key, type);
      if (result === undefined) delete merged[key];
      else assign(merged, key, result);
    }
  }
  return merged;
}

function mergeField(before: unknown, value: unknown, key: string, type: TypeName | undefined): unknown {
  if (isObject(before) && isObject(value)) {
    if (objectMerge(type, key).strategy === 'replace') return value;
    return mergeObjects(before, value, memberType(type, key));
  }
  if (Array.isArray(before) && Array.isArray(value)) {
    return mergeLists(before, value, listMerge(type, key), itemType(memberType(type, key)));
  }
  return plainValue(value);
}

/** `$patch` in an object: `replace` takes the rest of the patch as it is, `delete` leaves an empty object. */
function replaceByDirective(patch: Readonly<JsonObject>): JsonObject {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw patchFailed(`unknown patch type: ${String(directive)} in map: ${goMap(patch)}`);
}

/** A copy of the document, without the keys that `$retainKeys` does not name. */
function retainKeys(document: Readonly<JsonObject>, patch: Readonly<JsonObject>): JsonObject {
  const names = valueAt(patch, RETAIN_KEYS);
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return { ...document };
  if (!Array.isArray(names)) throw badPatch('invalid patch format of retainKeys');
  const kept = new Set<unknown>(names);
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN_KEYS || value === null || key.startsWith(SET_ORDER) || key.startsWith(DELETE_SCALARS)) continue;
    if (!kept.has(key)) throw badPatch('invalid patch format of retainKeys');
  }
  const retained: JsonObject = {};
  for (const [key, value] of Object.entries(document)) if (kept.has(key)) assign(retained, key, value);
  return retained;
}

/** Merges the lists that have a `$setElementOrder` into `merged`; returns their keys. */
function mergeOrderedLists(merged: JsonObject, patch: Readonly<JsonObject>, type: TypeName | undefined): Set<string> {
  const done = new Set<string>();
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(SET_ORDER)) continue;
    const key = directive.slice(SET_ORDER.length);
    const before = listOrAbsent(valueAt(merged, key));
    const items = listOrAbsent(valueAt(patch, key));
    const orderList = listOrAbsent(order);
    if (orderList === undefined) throw patchFailed('expected a []interface {}, but received a <nil>');
    const merge = listMerge(type, key);
    if (items !== undefined) checkOrder(items, orderList, merge.mergeKey);
    done.add(key);
    if (before === undefined && items === undefined) continue;
    const list =
      before !== undefined && items !== undefined
        ? mergeLists(before, items, merge, itemType(memberType(type, key)))
        : (before ?? (plainValue(items) as unknown[]));
    assign(merged, key, orderItems(list, orderList, before ?? [], merge.mergeKey));
  }
  return done;
}

function listOrAbsent(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value;
  throw patchFailed(`expected a []interface {}, but received a ${goType(value)}`);
}

/** Items of the patch must stand in the order that `$setElementOrder` gives; deletions do not count. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (items.length === 0 || order.length === 0) return;
  const identity = (item: unknown): unknown => (mergeKey === undefined ? item : keyOf(item, mergeKey));
  let at = 0;
  for (const item of items) {
    if (isObject(item) && Object.hasOwn(item, DIRECTIVE)) continue;
    const wanted = identity(item);
    while (at < order.length && identity(order[at]) !== wanted) at++;
    if (at++ >= order.length) {
      throw patchFailed(
        `The order in patch list:\n${goValue(items)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`,
      );
    }
  }
}

function deleteScalars(merged: JsonObject, key: string, value: unknown): void {
  const before = valueAt(merged, key);
  if (!Array.isArray(before) || !Array.isArray(value)) return;
  const gone = new Set<unknown>(value);
  assign(
    merged,
    key,
    before.filter((item) => !gone.has(item)),
  );
}

function mergeLists(
  before: readonly unknown[],
  patch: readonly unknown[],
  merge: FieldMerge,
  item: TypeName | undefined,
): readonly unknown[] {
  if (merge.strategy === 'replace') return plainValue(patch) as unknown[];
  if (before.length === 0 && patch.length === 0) return before;
  const { mergeKey } = merge;
  if (itemKind(before, patch) !== 'object') {
    return orderItems([...new Set([...before, ...patch])], patch, before, undefined);
  }
  if (mergeKey === undefined) throw patchFailed('cannot merge lists without merge key for type struct');
  const { kept, items } = applyItemDirectives(before, patch as readonly JsonObject[], mergeKey);
  const list = [...kept];
  for (const element of items) {
    const key = keyOf(element, mergeKey);
    // The first of several items with this key: Service ports of both TCP and UDP are one item to this patch.
    const index = list.findIndex((other) => isObject(other) && valueAt(other, mergeKey) === key);
    const found = list[index];
    if (isObject(found)) list[index] = mergeObjects(found, element, item);
    else list.push(plainValue(element));
  }
  return orderItems(list, items, kept, mergeKey);
}

/** `$patch: delete` items take their namesakes out, one `$patch: replace` item empties the list. */
function applyItemDirectives(
  before: readonly unknown[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { kept: readonly unknown[]; items: readonly JsonObject[] } {
  let kept = before;
  let replaced = false;
  const items: JsonObject[] = [];
  for (const item of patch) {
    if (!Object.hasOwn(item, DIRECTIVE)) {
      items.push(item);
      continue;
    }
    const directive = item[DIRECTIVE];
    if (directive === 'delete') {
      const key = keyOf(item, mergeKey);
      kept = kept.filter((other) => !isObject(other) || valueAt(other, mergeKey) !== key);
    } else if (directive === 'replace') {
      replaced = true;
    } else if (directive === 'merge') {
      throw patchFailed('merging lists cannot yet be specified in the patch');
    } else {
      throw patchFailed(`unknown patch type: ${String(directive)} in map: ${goMap(item)}`);
    }
  }
  return replaced ? { kept: [], items } : { kept, items };
}

function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw patchFailed(`expected a map[string]interface {}, but received a ${goType(item)}`);
  if (Object.hasOwn(item, mergeKey)) return item[mergeKey];
  throw patchFailed(`map: ${goMap(item)} does not contain declared merge key: ${mergeKey}`);
}

function itemKind(before: readonly unknown[], patch: readonly unknown[]): string {
  const kinds = new Set([...before, ...patch].map((item) => jsonTypeName(item)));
  if (kinds.has('array')) throw patchDoesNotApply('lists of lists are not supported');
  const [kind = 'object', ...others] = kinds;
  if (others.length > 0) throw patchFailed('list element types are not identical');
  return kind;
}

/** A value that nothing is there to merge with: nulls and directives in it have no meaning and go. */
function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !isObject(item) || !Object.hasOwn(item, DIRECTIVE))
      .map((item: unknown) => plainValue(item));
  }
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const plain: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === RETAIN_KEYS || key.startsWith(SET_ORDER) || key.startsWith(DELETE_SCALARS)) continue;
    const kept = member === null ? undefined : plainValue(member);
    if (kept !== undefined) assign(plain, key, kept);
  }
  return plain;
}

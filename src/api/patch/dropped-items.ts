import { itemType, memberType, type TypeName } from './field-type.ts';
import { isObject, type JsonObject, valueAt } from './json-value.ts';
import { listMerge } from './list-keys.ts';

const SET_ORDER = '$setElementOrder/';

/**
 * Warnings for items that a strategic merge patch lost: it tells the ports of a Service apart by their number alone, so of
 * a TCP and a UDP port with one number only one is left. Server-side apply knows better.
 */
export function droppedItems(before: unknown, patch: unknown, after: unknown, model: string): string[] {
  return isObject(patch) ? inObject(before, patch, after, model, '') : [];
}

function inObject(
  before: unknown,
  patch: Readonly<JsonObject>,
  after: unknown,
  type: TypeName | undefined,
  at: string,
): string[] {
  if (!isObject(before) || !isObject(after)) return [];
  const warnings: string[] = [];
  const lists = new Set<string>();
  for (const [key, value] of Object.entries(patch)) {
    const name = key.startsWith(SET_ORDER) ? key.slice(SET_ORDER.length) : key;
    if (Array.isArray(value)) lists.add(name);
    else if (isObject(value)) {
      const path = at === '' ? name : `${at}.${name}`;
      warnings.push(...inObject(valueAt(before, name), value, valueAt(after, name), memberType(type, name), path));
    }
  }
  for (const name of lists) {
    const list = {
      before: items(before, name),
      patch: items(patch, name),
      order: items(patch, `${SET_ORDER}${name}`),
      after: items(after, name),
    };
    warnings.push(...inList(list, type, name, at === '' ? name : `${at}.${name}`));
  }
  return warnings;
}

function items(object: Readonly<JsonObject>, key: string): readonly JsonObject[] {
  const value = valueAt(object, key);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

interface Lists {
  readonly before: readonly JsonObject[];
  readonly patch: readonly JsonObject[];
  readonly order: readonly JsonObject[];
  readonly after: readonly JsonObject[];
}

function inList(list: Lists, owner: TypeName | undefined, field: string, path: string): string[] {
  const { mergeKey, mapKeys } = listMerge(owner, field);
  if (mergeKey === undefined) return [];
  const type = itemType(memberType(owner, field));
  const warnings: string[] = [];
  const named = new Set([...list.patch, ...list.order].map((item) => valueAt(item, mergeKey)));
  for (const key of named) {
    const withKey = (of: readonly JsonObject[]): readonly JsonObject[] =>
      of.filter((item) => valueAt(item, mergeKey) === key && valueAt(item, '$patch') === undefined);
    const [before, patch, order, after] = [list.before, list.patch, list.order, list.after].map(withKey);
    if (mapKeys.length > 1 && isDropped(before ?? [], patch ?? [], order ?? [], after ?? [], mapKeys)) {
      const what = `${path}: of several items with ${mergeKey} ${JSON.stringify(key)} one is left`;
      const why = `a strategic merge patch tells them apart by ${JSON.stringify(mergeKey)} alone`;
      warnings.push(`${what}: ${why}; use server-side apply (kubectl apply --server-side) to keep them all`);
    }
    const [old] = before ?? [];
    const [now] = after ?? [];
    for (const item of patch ?? []) warnings.push(...inObject(old, item, now, type, `${path}[${String(key)}]`));
  }
  return warnings;
}

/** More are asked for than are there now, or an item was put over one with another identity. */
function isDropped(
  before: readonly JsonObject[],
  patch: readonly JsonObject[],
  order: readonly JsonObject[],
  after: readonly JsonObject[],
  keys: readonly string[],
): boolean {
  if (order.length > after.length) return true;
  if (order.length > 0) return false;
  const identity = (item: JsonObject): string => JSON.stringify(keys.map((key) => valueAt(item, key) ?? null));
  const left = new Set(after.map(identity));
  return patch.length > 0 && before.some((item) => !left.has(identity(item)));
}

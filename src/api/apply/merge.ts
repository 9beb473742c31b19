import { assign, isObject, type JsonObject, valueAt } from '../patch/json-value.ts';
import { DEDUCED, knownType, type ListType, memberTypeOf, type MergeType } from './merge-type.ts';
import { itemElement } from './path-element.ts';

/**
 * Lays a configuration over an object: what it states is taken from it, everything else from the object. Lists with
 * identity are merged item by item, in the order of the configuration, what is only in the object before.
 */
export function mergeApplied(live: unknown, config: unknown, type: MergeType): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null) return config;
  const known = knownType(type, config);
  if (known.kind === 'scalar') return config;
  if (known.kind === 'list') {
    if (known.list === 'atomic' || !Array.isArray(live)) return config;
    return Array.isArray(config) ? mergeLists(live, config, known) : live;
  }
  if (known.atomic || !isObject(live)) return config;
  if (!isObject(config)) return live;
  const merged: JsonObject = { ...live };
  for (const [key, value] of Object.entries(config)) {
    assign(merged, key, mergeApplied(valueAt(live, key), value, memberTypeOf(known, key) ?? DEDUCED));
  }
  return merged;
}

function mergeLists(live: readonly unknown[], config: readonly unknown[], type: ListType): unknown[] {
  const ours = live.map((item) => itemElement(type, item));
  const theirs = config.map((item) => itemElement(type, item));
  const named = new Set(theirs);
  const liveAt = new Map(ours.map((element, index) => [element, index]));
  const done = new Set<string>();
  const merged: unknown[] = [];
  let next = 0;
  for (const [index, element] of theirs.entries()) {
    // What the configuration does not name keeps its place before the next item that it does.
    while (next < ours.length && (!named.has(ours[next] ?? '') || done.has(ours[next] ?? ''))) {
      if (!named.has(ours[next] ?? '')) merged.push(live[next]);
      next++;
    }
    const before = liveAt.get(element);
    merged.push(before === undefined ? config[index] : mergeApplied(live[before], config[index], type.item));
    done.add(element);
  }
  for (; next < ours.length; next++) if (!named.has(ours[next] ?? '')) merged.push(live[next]);
  return merged;
}

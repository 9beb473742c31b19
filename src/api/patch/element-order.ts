import { isObject, valueAt } from './json-value.ts';

/**
 * Puts the items of a merged list in order: those that `wanted` names stand in its order, the others in the order of
 * `before`, and the two runs are interleaved so that each of the others keeps its place before the first wanted item that
 * stood behind it. Items are the same when their `mergeKey` is, or for scalars when they are equal.
 */
export function orderItems(
  list: readonly unknown[],
  wanted: readonly unknown[],
  before: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const identity = (item: unknown): unknown =>
    mergeKey === undefined ? item : isObject(item) ? valueAt(item, mergeKey) : undefined;
  const wantedAt = positions(wanted, identity);
  const beforeAt = positions(before, identity);
  const by =
    (order: ReadonlyMap<unknown, number>) =>
    (a: unknown, b: unknown): number =>
      (order.get(identity(a)) ?? -1) - (order.get(identity(b)) ?? -1);
  const named = list.filter((item) => wantedAt.has(identity(item))).sort(by(wantedAt));
  const others = list.filter((item) => !wantedAt.has(identity(item))).sort(by(beforeAt));

  const ordered: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const place = beforeAt.get(identity(item)) ?? -1;
    while (next < others.length && (beforeAt.get(identity(others[next])) ?? place) < place)
      ordered.push(others[next++]);
    ordered.push(item);
  }
  return [...ordered, ...others.slice(next)];
}

/** The first position of each identity. */
function positions(list: readonly unknown[], identity: (item: unknown) => unknown): Map<unknown, number> {
  const at = new Map<unknown, number>();
  for (const [index, item] of list.entries()) if (!at.has(identity(item))) at.set(identity(item), index);
  return at;
}

import type { Compare, Entry, Op, RevisionEvents, StoreEvent } from './store.ts';

/** What a transaction comes to, decided on some state and not yet applied anywhere. */
export type Outcome =
  | { readonly kind: 'conflict'; readonly entries: readonly (Entry | undefined)[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'change'; readonly change: RevisionEvents };

/** So many keys may one transaction change: the slot in `row-id.ts` has room for them. */
export const MAX_OPS = 1024;

/** `revision` is the one that the transaction gets if it changes anything. */
export function decide(
  read: (key: string) => Entry | undefined,
  revision: number,
  compares: readonly Compare[],
  ops: readonly Op[],
): Outcome {
  checkOps(ops);
  const entries = compares.map((compare) => read(compare.key));
  if (compares.some((compare, i) => (entries[i]?.modRevision ?? 0) !== compare.modRevision)) {
    return { kind: 'conflict', entries };
  }
  const events = ops.map((op) => eventOf(op, read(op.key), revision)).filter((event) => event !== undefined);
  if (events.length === 0) return { kind: 'unchanged' };
  return { kind: 'change', change: { revision, events } };
}

function eventOf(op: Op, previous: Entry | undefined, revision: number): StoreEvent | undefined {
  if (op.kind === 'delete') {
    if (previous === undefined) return undefined;
    return { kind: 'delete', entry: { ...previous, modRevision: revision }, previous };
  }
  const createRevision = previous?.createRevision ?? revision;
  const entry: Entry = { key: op.key, value: op.value, createRevision, modRevision: revision };
  return previous === undefined ? { kind: 'put', entry } : { kind: 'put', entry, previous };
}

/** etcd refuses the same: with one revision for both, the order of two writes to a key could not be told. */
function checkOps(ops: readonly Op[]): void {
  if (ops.length > MAX_OPS) {
    throw new RangeError(`Cannot change ${ops.length} keys in one transaction: the most is ${MAX_OPS}`);
  }
  const seen = new Set<string>();
  for (const { key } of ops) {
    if (key === '') throw new TypeError('Cannot write the key "": a key must not be empty');
    if (seen.has(key)) throw new TypeError(`Cannot write the key "${key}" twice in one transaction`);
    seen.add(key);
  }
}

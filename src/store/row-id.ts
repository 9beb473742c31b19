import { MAX_OPS } from './transaction.ts';

/**
 * Where an event lies on disk: `revision * 1024 + slot`, slot being its place in the transaction. So the rowid order is
 * the order of history, and rows are found and deleted without any index. 2^43 revisions fit a JavaScript integer.
 */
export function rowId(revision: number, slot: number): number {
  return revision * MAX_OPS + slot;
}

export function rowRevision(id: number): number {
  return Math.floor(id / MAX_OPS);
}

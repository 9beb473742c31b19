/** A key as it stands at some revision. The store does not look inside `value`. */
export interface Entry {
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Revision of the transaction that made the key; a key deleted and made again starts anew. */
  readonly createRevision: number;
  /** Revision of the transaction that last changed the key. */
  readonly modRevision: number;
}

/** Holds when the key was last changed by exactly this revision; 0 holds when the key does not exist. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

export type Op = PutOp | DeleteOp;

export interface PutOp {
  readonly kind: 'put';
  readonly key: string;
  readonly value: string;
}

/** Deleting a key that does not exist is no error and no change. */
export interface DeleteOp {
  readonly kind: 'delete';
  readonly key: string;
}

export interface StoreEvent {
  readonly kind: 'put' | 'delete';
  /** What was written. For a delete: the last value, with the revision of the deletion as `modRevision`. */
  readonly entry: Entry;
  /** What the key held before, absent when it did not exist. */
  readonly previous?: Entry;
}

/** All that one transaction changed, in the order of its operations. */
export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export type TxnResult = TxnSucceeded | TxnFailed;

export interface TxnSucceeded {
  readonly succeeded: true;
  /** The transaction's own revision, or the store's when nothing changed. */
  readonly revision: number;
}

export interface TxnFailed {
  readonly succeeded: false;
  readonly revision: number;
  /** The compared keys as they stand, in the order of the compares; undefined where the key does not exist. */
  readonly entries: readonly (Entry | undefined)[];
}

export interface GetOptions {
  /** Read as of this revision. @default the current one */
  readonly revision?: number;
}

export interface RangeOptions extends GetOptions {
  /** At most so many entries. @default all */
  readonly limit?: number;
  /** Begin behind this key: the last one of the page before. */
  readonly after?: string;
}

export interface RangeResult {
  /** In the order of their keys. */
  readonly entries: readonly Entry[];
  /** The revision that the answer shows: pass it on to read further pages of the same state. */
  readonly revision: number;
  readonly more: boolean;
  /** How many entries of the prefix follow behind this page. */
  readonly remaining: number;
}

export interface WatchOptions {
  /** Events of later revisions only; 0 begins with the first transaction there ever was. */
  readonly after: number;
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Ordered keys under one global revision, with etcd's semantics:
 * - A transaction is atomic, has one revision, and every revision is one transaction; the empty store stands at 1.
 * - What `txn` reported is durable. A change is durable before it is visible, and visible before a watch tells of it,
 *   in the order of the revisions. A transaction that rejects is not visible, though its fate is open if the process
 *   ends at that moment.
 * - Revisions before the compacted one cannot be read or watched any more: `CompactedError`.
 */
export interface Store extends AsyncDisposable {
  /** Revision of the last visible transaction. */
  readonly revision: number;
  get(key: string, options?: GetOptions): Promise<Entry | undefined>;
  /** All keys that begin with `prefix`; '' is every key. */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /** Applies `ops` if all of `compares` hold. A key may occur once in `ops`. */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>;
  /**
   * Every change below `prefix` after a revision, in order, nothing left out, those to come included. The loop ends
   * when the signal aborts or the store is closed, and throws when the store fails or the reader falls behind the
   * compaction.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<RevisionEvents>;
  /** Forgets what was overwritten or deleted up to and including `revision`. Older than what is forgotten: no change. */
  compact(revision: number): Promise<void>;
  /** Waits for the transactions under way; later calls reject. */
  close(): Promise<void>;
}

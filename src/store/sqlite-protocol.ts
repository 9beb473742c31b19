import type { StoredRow } from './history.ts';
import type { StoreErrorCode } from './store-error.ts';

export interface SqliteThreadOptions {
  readonly path: string;
  /** Most bytes that the file may grow to. */
  readonly maxBytes?: number;
}

/** To the thread. Handled in order. */
export type SqliteRequest = CommitRequest | CompactRequest | { readonly kind: 'close' };

export interface CommitRequest {
  readonly kind: 'commit';
  /**
   * How many commits the sender knows to have failed. One sent before it knew of the last failure rests on what did
   * not happen: the thread sees it by the lower number, and drops it.
   */
  readonly epoch: number;
  /** Revision of the last transaction among the rows. */
  readonly last: number;
  readonly rows: readonly StoredRow[];
}

export interface CompactRequest {
  readonly kind: 'compact';
  readonly revision: number;
  /** Ids of the rows to delete, in this order, some time. */
  readonly rows: readonly number[];
}

/** From the thread. First any number of `rows`, then `opened` or `refused`. */
export type SqliteReply =
  | { readonly kind: 'rows'; readonly rows: readonly StoredRow[] }
  | { readonly kind: 'opened'; readonly compacted: number }
  | RefusedReply
  | { readonly kind: 'committed'; readonly last: number }
  /** Nothing after the last `committed` is durable, nor will be what was sent so far. `final`: and nothing ever. */
  | { readonly kind: 'failed'; readonly final: boolean; readonly message: string }
  /** With a message where the disk was full. */
  | { readonly kind: 'compacted'; readonly message?: string }
  | { readonly kind: 'closed' };

export interface RefusedReply {
  readonly kind: 'refused';
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly hint: string;
}

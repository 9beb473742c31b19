import { CodedError } from '#base/errors.ts';

/**
 * What the store reports, by `code`:
 * - `ECOMPACTED` (`CompactedError`): the revision is no longer kept; list anew.
 * - `EFUTUREREVISION`: the revision does not exist yet.
 * - `ESTORECLOSED`: used after `close()`.
 * - `ESTOREFULL`: the disk or the quota is full; the transaction did not happen, the next may succeed.
 * - `ESTOREFAILED`: durability is lost (I/O error, dead thread); the store must be opened again.
 * - `ESTORELOCKED`, `ESTOREVERSION`, `ESTOREOPEN`: it could not be opened.
 */
export type StoreErrorCode =
  | 'ECOMPACTED'
  | 'EFUTUREREVISION'
  | 'ESTORECLOSED'
  | 'ESTOREFULL'
  | 'ESTOREFAILED'
  | 'ESTORELOCKED'
  | 'ESTOREVERSION'
  | 'ESTOREOPEN';

export function storeError(
  code: StoreErrorCode,
  message: string,
  options?: { readonly cause?: unknown; readonly hint?: string },
): CodedError {
  return new CodedError(code, message, options);
}

/** The asked revision was compacted away: the caller must list again and go on from there. */
export class CompactedError extends CodedError {
  readonly compacted: number;

  constructor(revision: number, compacted: number) {
    super('ECOMPACTED', `Cannot read at revision ${revision}: history is kept from revision ${compacted} on`);
    this.name = 'CompactedError';
    this.compacted = compacted;
  }
}

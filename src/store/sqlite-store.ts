import { Worker } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import type { CodedError } from '#base/errors.ts';
import { CommitQueue } from './commit-queue.ts';
import type { StoredRow } from './history.ts';
import { Replica } from './replica.ts';
import { Retention, type RetentionLimits } from './retention.ts';
import { rowId } from './row-id.ts';
import type { SqliteReply, SqliteRequest, SqliteThreadOptions } from './sqlite-protocol.ts';
import { storeError } from './store-error.ts';
import type { Compare, Entry, GetOptions, Op, RangeOptions, RangeResult, RevisionEvents } from './store.ts';
import type { Store, TxnResult, WatchOptions } from './store.ts';

export interface SqliteStoreOptions {
  /** The database file; its directory is made where it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly retention?: RetentionLimits;
  /** Most bytes that the file may grow to; a write beyond fails with `ESTOREFULL`. @default no limit but the disk's */
  readonly maxBytes?: number;
  /** Body of the thread, for a bundle that keeps it elsewhere. @default the file beside this one */
  readonly worker?: URL;
}

/** Opens or makes the store; rejects with `ESTORELOCKED`, `ESTOREVERSION` or `ESTOREOPEN`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, maxBytes } = options;
  const workerData: SqliteThreadOptions = maxBytes === undefined ? { path } : { path, maxBytes };
  const worker = new Worker(options.worker ?? new URL('./sqlite-worker-main.ts', import.meta.url), {
    name: 'store',
    // Not the process's own: some, as --input-type, are refused in a Worker.
    execArgv: [],
    workerData,
  });
  const store = new SqliteStore(worker, options);
  try {
    await store.opened;
    return store;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #replica = new Replica();
  readonly #queue = new CommitQueue(this.#replica);
  readonly #retention: Retention;
  readonly #opening = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #compactions: PromiseWithResolvers<void>[] = [];
  #loaded: StoredRow[] = [];
  #epoch = 0;
  #flushing = false;
  #closing: Promise<void> | undefined;
  #timer: Disposable | undefined;

  constructor(worker: Worker, options: SqliteStoreOptions) {
    this.opened = this.#opening.promise;
    this.#worker = worker;
    this.#path = options.path;
    this.#clock = options.clock;
    this.#retention = new Retention(options.clock, options.retention);
    worker.on('message', (reply: SqliteReply) => this.#handle(reply));
    worker.on('error', (error) => this.#fail(error.message));
    worker.on('exit', () => {
      this.#fail('its thread ended');
      this.#exited.resolve();
    });
  }

  get revision(): number {
    return this.#replica.revision;
  }

  async get(key: string, options?: GetOptions): Promise<Entry | undefined> {
    return this.#replica.get(key, options);
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    return this.#replica.range(prefix, options);
  }

  async txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    this.#checkOpen();
    const result = this.#queue.submit(compares, ops);
    this.#flushSoon();
    return result;
  }

  watch(prefix: string, options: WatchOptions): AsyncIterable<RevisionEvents> {
    return this.#replica.watch(prefix, options);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    const before = this.#replica.history.compacted;
    const rows = this.#replica.history.compact(revision);
    if (this.#replica.history.compacted === before) return;
    await this.#sendCompaction(revision, rows);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#queue.idle();
    this.#replica.close();
    this.#send({ kind: 'close' });
    await this.#exited.promise;
  }

  #checkOpen(): void {
    this.#replica.check();
    if (this.#closing !== undefined) throw storeError('ESTORECLOSED', 'Cannot use the store: it is closed');
  }

  /** Once in a turn of the event loop: transactions of the same turn go in one message. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const changes = this.#queue.take();
      const last = changes.at(-1)?.revision;
      if (last === undefined) return;
      this.#send({ kind: 'commit', epoch: this.#epoch, last, rows: changes.flatMap(rowsOf) });
    });
  }

  #handle(reply: SqliteReply): void {
    switch (reply.kind) {
      case 'rows':
        for (const row of reply.rows) this.#loaded.push(row);
        break;
      case 'opened':
        this.#restore(reply.compacted);
        break;
      case 'refused':
        this.#opening.reject(storeError(reply.code, reply.message, { hint: reply.hint }));
        break;
      case 'committed':
        this.#queue.settle(reply.last);
        if (this.#retention.isOver(this.revision, this.#replica.history.compacted)) this.#retain();
        break;
      case 'failed':
        this.#epoch++;
        if (reply.final) this.#fail(reply.message);
        else this.#queue.abandon(this.#full(reply.message));
        break;
      case 'compacted':
        this.#endCompaction(reply.message);
        break;
      case 'closed':
        break;
    }
  }

  #restore(compacted: number): void {
    const rows = this.#loaded;
    this.#loaded = [];
    try {
      const garbage = this.#replica.history.restore(rows, compacted);
      if (garbage.length > 0) this.#sendCompaction(compacted, garbage).catch(() => {});
    } catch (error) {
      this.#opening.reject(error);
      return;
    }
    this.#retainLater();
    this.#opening.resolve();
  }

  #retainLater(): void {
    this.#timer = this.#clock.after(this.#retention.intervalMs, () => {
      this.#retain();
      this.#retainLater();
    });
  }

  #retain(): void {
    if (this.#closing !== undefined) return;
    const target = this.#retention.target(this.revision);
    // A failed one is made up for by the next, or when the store is opened again.
    if (target > this.#replica.history.compacted) this.compact(target).catch(() => {});
  }

  #sendCompaction(revision: number, rows: readonly number[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#compactions.push(done);
    this.#send({ kind: 'compact', revision, rows });
    return done.promise;
  }

  #endCompaction(failure: string | undefined): void {
    const done = this.#compactions.shift();
    if (failure === undefined) done?.resolve();
    else done?.reject(this.#full(failure));
  }

  #full(reason: string): CodedError {
    return storeError('ESTOREFULL', `Cannot write to the store "${this.#path}": ${reason}`, {
      hint: 'Free space on the disk of the data directory.',
    });
  }

  /** For good: what was not durable by now never will be. */
  #fail(reason: string): void {
    this.#timer?.[Symbol.dispose]();
    const error = storeError('ESTOREFAILED', `Cannot write to the store "${this.#path}": ${reason}`, {
      hint: 'Check the disk of the data directory, then start again: all that was acknowledged is kept.',
    });
    this.#opening.reject(error);
    this.#replica.fail(error);
    this.#queue.abandon(error);
    for (const done of this.#compactions.splice(0)) done.reject(error);
  }

  #send(request: SqliteRequest): void {
    this.#worker.postMessage(request);
  }
}

function rowsOf(change: RevisionEvents): StoredRow[] {
  return change.events.map(({ kind, entry }, slot) => [
    rowId(change.revision, slot),
    entry.key,
    entry.createRevision,
    kind === 'put' ? entry.value : null,
  ]);
}

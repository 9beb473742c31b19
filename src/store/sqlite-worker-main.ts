/**
 * The thread that owns the database file, so that a slow disk never stalls the main thread. It imports next to nothing:
 * every module here is start-up time of the cluster.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import type { StoredRow } from './history.ts';
import { openFile, reason, resultCode, SQLITE_FULL } from './sqlite-file-sync.ts';
import type {
  CommitRequest,
  CompactRequest,
  SqliteReply,
  SqliteRequest,
  SqliteThreadOptions,
} from './sqlite-protocol.ts';

/** Rows in one message while loading, so that both threads work at the same time. */
const LOAD_ROWS = 2000;
/** Superseded rows deleted with a commit, for each row that it adds: more than one, so that they get fewer. */
const SWEEP_PER_ROW = 2;
/** And in one step when idle: a commit that arrives meanwhile waits for one such step. */
const SWEEP_IDLE = 256;

/** So much in the log is worth moving into the file: some 300 pages. */
const LOG_CHARACTERS = 1_000_000;
/** Nobody writes for so long: then is a good time. */
const QUIET_MS = 50;

class SqliteThread {
  readonly #port: MessagePort;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #setCompacted: StatementSync;
  /** Rows that no readable revision needs, oldest first. Lost at the end of the process, found again when opened. */
  #garbage: number[] = [];
  #sweeping = false;
  /** What was written since the log was last moved. */
  #logged = 0;
  #quiet: Disposable | undefined;
  #epoch = 0;
  #broken = false;

  constructor(port: MessagePort, db: DatabaseSync) {
    this.#port = port;
    this.#db = db;
    this.#insert = db.prepare('INSERT INTO event (id, key, created, value) VALUES (?, ?, ?, ?)');
    this.#remove = db.prepare('DELETE FROM event WHERE id = ?');
    this.#setCompacted = db.prepare('UPDATE compacted SET revision = ?');
  }

  load(): void {
    const select = this.#db.prepare('SELECT id, key, created, value FROM event ORDER BY id');
    select.setReturnArrays(true);
    let rows: StoredRow[] = [];
    for (const row of select.iterate()) {
      rows.push(row as unknown as StoredRow);
      if (rows.length < LOAD_ROWS) continue;
      this.#reply({ kind: 'rows', rows });
      rows = [];
    }
    this.#reply({ kind: 'rows', rows });
    const compacted = this.#db.prepare('SELECT revision FROM compacted').get()?.['revision'];
    this.#reply({ kind: 'opened', compacted: Number(compacted) });
  }

  serve(): void {
    this.#port.on('message', (request: SqliteRequest) => this.#handle(request));
  }

  /** All that queued while the last commit ran goes into one: the more writers, the more share a sync of the disk. */
  #handle(first: SqliteRequest): void {
    let commits: CommitRequest[] = [];
    for (let next: SqliteRequest | undefined = first; next !== undefined; next = this.#receive()) {
      if (next.kind === 'commit') {
        commits.push(next);
        continue;
      }
      this.#commit(commits);
      commits = [];
      if (next.kind === 'compact') this.#compact(next);
      else this.#close();
    }
    this.#commit(commits);
  }

  #receive(): SqliteRequest | undefined {
    return receiveMessageOnPort(this.#port)?.message as SqliteRequest | undefined;
  }

  #commit(requests: readonly CommitRequest[]): void {
    const valid = requests.filter((request) => request.epoch === this.#epoch && !this.#broken);
    const last = valid.at(-1)?.last;
    if (last === undefined) return;
    const rows = valid.flatMap((request) => request.rows);
    const swept = rows.length * SWEEP_PER_ROW;
    const failure = this.#transact(() => {
      for (const row of rows) this.#insert.run(...row);
      this.#sweep(swept);
    });
    if (failure !== undefined) {
      this.#epoch++;
      this.#reply({ kind: 'failed', final: this.#broken, message: failure });
      return;
    }
    this.#garbage.splice(0, swept);
    this.#reply({ kind: 'committed', last });
    for (const [, , , value] of rows) this.#logged += value?.length ?? 0;
    this.#moveLogLater();
  }

  #moveLogLater(): void {
    this.#quiet?.[Symbol.dispose]();
    if (this.#logged < LOG_CHARACTERS) return;
    this.#quiet = systemClock.after(QUIET_MS, () => this.#moveLog());
  }

  /** What fails here is tried again by a later commit, which says so. */
  #moveLog(): void {
    if (!this.#db.isOpen) return;
    this.#logged = 0;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {}
  }

  #compact({ revision, rows }: CompactRequest): void {
    // Durable before the first row goes: a history with holes must never pass for a whole one.
    const failure = this.#transact(() => this.#setCompacted.run(revision));
    if (failure === undefined) for (const row of rows) this.#garbage.push(row);
    this.#reply(failure === undefined ? { kind: 'compacted' } : { kind: 'compacted', message: failure });
    this.#sweepSoon();
  }

  #close(): void {
    this.#garbage = [];
    this.#quiet?.[Symbol.dispose]();
    this.#db.close();
    this.#reply({ kind: 'closed' });
    this.#port.close();
  }

  #sweepSoon(): void {
    if (this.#sweeping || this.#garbage.length === 0) return;
    this.#sweeping = true;
    setImmediate(() => {
      this.#sweeping = false;
      const waiting = this.#receive();
      if (waiting !== undefined) this.#handle(waiting);
      // On a full disk what is left goes with later commits.
      else if (!this.#sweepNow()) return;
      this.#sweepSoon();
    });
  }

  #sweepNow(): boolean {
    if (!this.#db.isOpen || this.#transact(() => this.#sweep(SWEEP_IDLE)) !== undefined) return false;
    this.#garbage.splice(0, SWEEP_IDLE);
    return true;
  }

  #sweep(count: number): void {
    for (const row of this.#garbage.slice(0, count)) this.#remove.run(row);
  }

  /** Undefined when it is durable, else why not, and then nothing of it happened. */
  #transact(body: () => void): string | undefined {
    if (this.#broken) return 'an earlier write failed';
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      body();
      this.#db.exec('COMMIT');
      return undefined;
    } catch (error) {
      this.#broken = !this.#rollback() || resultCode(error) !== SQLITE_FULL;
      return reason(error);
    }
  }

  #rollback(): boolean {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  #reply(message: SqliteReply): void {
    this.#port.postMessage(message);
  }
}

if (parentPort === null) throw new Error('Cannot run sqlite-worker-main.ts: it is the body of a Worker');
const opened = openFile(workerData as SqliteThreadOptions);
if ('kind' in opened) {
  parentPort.postMessage(opened satisfies SqliteReply);
} else {
  const thread = new SqliteThread(parentPort, opened);
  thread.load();
  thread.serve();
}

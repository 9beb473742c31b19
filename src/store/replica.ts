import { History } from './history.ts';
import { storeError } from './store-error.ts';
import type {
  Entry,
  GetOptions,
  RangeOptions,
  RangeResult,
  RevisionEvents,
  StoreEvent,
  WatchOptions,
} from './store.ts';

/**
 * The visible state of a store and the watches on it. A watch holds no queue, only its place in the history: a slow
 * reader costs no memory, and one slower than the compaction is told so.
 */
export class Replica {
  readonly history: History = new History();
  readonly #waiting = new Set<() => void>();
  #end: { readonly error: Error; readonly quiet: boolean } | undefined;

  get revision(): number {
    return this.history.revision;
  }

  get(key: string, options: GetOptions = {}): Entry | undefined {
    this.check();
    return this.history.get(key, options.revision);
  }

  range(prefix: string, options?: RangeOptions): RangeResult {
    this.check();
    return this.history.range(prefix, options);
  }

  async *watch(prefix: string, { after, signal }: WatchOptions): AsyncGenerator<RevisionEvents, void, undefined> {
    let seen = after;
    for (;;) {
      if (signal?.aborted) return;
      const record = this.history.record(seen + 1);
      if (record !== undefined) {
        seen = record.revision;
        const change = below(prefix, record);
        if (change !== undefined) yield change;
      } else if (this.#end === undefined) {
        await this.#change(signal);
      } else if (this.#end.quiet) {
        return;
      } else {
        throw this.#end.error;
      }
    }
  }

  /** Makes durable changes visible, all of them before any watch runs. */
  append(changes: readonly RevisionEvents[]): void {
    for (const change of changes) this.history.append(change);
    this.#wake();
  }

  /** Throws when the store was closed or has failed. */
  check(): void {
    if (this.#end !== undefined) throw this.#end.error;
  }

  /** Watches end quietly, calls reject. */
  close(): void {
    this.#end ??= { error: storeError('ESTORECLOSED', 'Cannot use the store: it is closed'), quiet: true };
    this.#wake();
  }

  /** Watches and calls throw. */
  fail(error: Error): void {
    this.#end ??= { error, quiet: false };
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}

function below(prefix: string, record: RevisionEvents): RevisionEvents | undefined {
  const inside = (event: StoreEvent): boolean => event.entry.key.startsWith(prefix);
  if (record.events.every(inside)) return record.events.length === 0 ? undefined : record;
  const events = record.events.filter(inside);
  return events.length === 0 ? undefined : { revision: record.revision, events };
}

import { Replica } from './replica.ts';
import type { Compare, Entry, GetOptions, Op, RangeOptions, RangeResult, RevisionEvents } from './store.ts';
import type { Store, TxnResult, WatchOptions } from './store.ts';
import { decide } from './transaction.ts';

/** A store without a disk, for tests: what is written is gone with the process. */
export class MemoryStore implements Store {
  readonly #replica = new Replica();

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
    this.#replica.check();
    const outcome = decide((key) => this.#replica.get(key), this.revision + 1, compares, ops);
    if (outcome.kind === 'conflict') return { succeeded: false, revision: this.revision, entries: outcome.entries };
    if (outcome.kind === 'change') this.#replica.append([outcome.change]);
    return { succeeded: true, revision: this.revision };
  }

  watch(prefix: string, options: WatchOptions): AsyncIterable<RevisionEvents> {
    return this.#replica.watch(prefix, options);
  }

  async compact(revision: number): Promise<void> {
    this.#replica.check();
    this.#replica.history.compact(revision);
  }

  async close(): Promise<void> {
    this.#replica.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

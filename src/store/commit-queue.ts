import type { Replica } from './replica.ts';
import type { Compare, Entry, Op, RevisionEvents, TxnResult } from './store.ts';
import { decide } from './transaction.ts';

interface Pending {
  /** Settled when this revision is durable. */
  readonly revision: number;
  /** Absent for an answer that changes nothing but rests on changes still pending. */
  readonly change: RevisionEvents | undefined;
  readonly result: TxnResult;
  readonly resolve: (result: TxnResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Transactions between decided and durable. Each is decided at once, on the state that those before it will leave, so
 * that any number of them share a commit; nobody hears of one, not even of its failed compare, before all that it rests
 * on is durable. If a commit fails, all behind it were decided on a state that never came, and fail with it.
 */
export class CommitQueue {
  readonly #replica: Replica;
  /** Keys changed by pending transactions: undefined is deleted. */
  readonly #ahead = new Map<string, { readonly revision: number; readonly entry: Entry | undefined }>();
  #pending: Pending[] = [];
  #unsent: RevisionEvents[] = [];
  #idle: (() => void)[] = [];

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  get #lastRevision(): number {
    return this.#pending.at(-1)?.revision ?? this.#replica.revision;
  }

  submit(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult> {
    const revision = this.#lastRevision;
    const outcome = decide((key) => this.#read(key), revision + 1, compares, ops);
    switch (outcome.kind) {
      case 'conflict':
        return this.#wait(revision, undefined, { succeeded: false, revision, entries: outcome.entries });
      case 'unchanged':
        return this.#wait(revision, undefined, { succeeded: true, revision });
      case 'change':
        this.#unsent.push(outcome.change);
        for (const { kind, entry } of outcome.change.events) {
          this.#ahead.set(entry.key, { revision: revision + 1, entry: kind === 'put' ? entry : undefined });
        }
        return this.#wait(revision + 1, outcome.change, { succeeded: true, revision: revision + 1 });
    }
  }

  /** The changes to be made durable next, each handed out once. */
  take(): readonly RevisionEvents[] {
    const changes = this.#unsent;
    this.#unsent = [];
    return changes;
  }

  /** Everything up to `revision` is durable: shows it and answers. */
  settle(revision: number): void {
    const end = this.#pending.findIndex((pending) => pending.revision > revision);
    const done = this.#pending.splice(0, end < 0 ? this.#pending.length : end);
    this.#replica.append(done.map((pending) => pending.change).filter((change) => change !== undefined));
    for (const { change, result, resolve } of done) {
      for (const { entry } of change?.events ?? []) {
        if (this.#ahead.get(entry.key)?.revision === change?.revision) this.#ahead.delete(entry.key);
      }
      resolve(result);
    }
    this.#checkIdle();
  }

  /** Nothing that is pending will become durable. */
  abandon(error: Error): void {
    const lost = this.#pending;
    this.#pending = [];
    this.#unsent = [];
    this.#ahead.clear();
    for (const { reject } of lost) reject(error);
    this.#checkIdle();
  }

  /** Resolves when nothing is pending. */
  idle(): Promise<void> {
    if (this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #checkIdle(): void {
    if (this.#pending.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #read(key: string): Entry | undefined {
    const ahead = this.#ahead.get(key);
    return ahead === undefined ? this.#replica.history.get(key) : ahead.entry;
  }

  #wait(revision: number, change: RevisionEvents | undefined, result: TxnResult): Promise<TxnResult> {
    if (revision === this.#replica.revision) return Promise.resolve(result);
    return new Promise((resolve, reject) => {
      this.#pending.push({ revision, change, result, resolve, reject });
    });
  }
}

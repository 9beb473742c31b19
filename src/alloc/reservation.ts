import type { Pool } from './pool.ts';

/**
 * Several values taken together or not at all:
 *
 *     using reservation = new Reservation({ dryRun });
 *     const ip = reservation.allocateNext(ips);
 *     reservation.release(ports, 30080);
 *     await store.txn(...);
 *     reservation.commit();
 *
 * Leaving the block without `commit` gives back what was taken and releases nothing. What is to be released stays taken
 * until then, or another could take it while the object that has it may yet stay as it is.
 */
export class Reservation implements Disposable {
  readonly #dryRun: boolean;
  #undo: (() => void)[] = [];
  #releases: (() => void)[] = [];

  constructor(options: { readonly dryRun?: boolean } = {}) {
    this.#dryRun = options.dryRun ?? false;
  }

  /** Throws as the pool does; what was taken before stays reserved. */
  allocate<T>(pool: Pool<T>, value: T): void {
    if (this.#dryRun) {
      pool.tryAllocate(value);
      return;
    }
    pool.allocate(value);
    this.#undo.push(() => pool.release(value));
  }

  allocateNext<T>(pool: Pool<T>): T {
    if (this.#dryRun) return pool.tryAllocateNext();
    const value = pool.allocateNext();
    this.#undo.push(() => pool.release(value));
    return value;
  }

  /** With `commit`. */
  release<T>(pool: Pool<T>, value: T): void {
    if (!this.#dryRun) this.#releases.push(() => pool.release(value));
  }

  commit(): void {
    this.#undo = [];
    for (const release of this.#releases.splice(0)) release();
  }

  [Symbol.dispose](): void {
    this.#releases = [];
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}

import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { errorMessage } from '#base/errors.ts';
import type { KubeObject } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import type { Compare, Op, Store, StoreEvent } from '#store/store.ts';
import { HISTORY_MS, KindCache, type Change } from './kind-cache.ts';
import { KeyLock } from './key-lock.ts';
import { RevisionAges } from './revision-ages.ts';
import { REGISTRY_PREFIX, splitStorageKey, storagePrefix } from './storage-key.ts';
import { completeObject, decodeObject, encodeObject, StoredObject } from './stored-object.ts';

/** A write that lost against another one: the object is not at the revision that the writer saw. */
export class StaleError extends Error {
  /** The first key that was not as expected. */
  readonly key: string;

  constructor(key: string) {
    super(`Cannot write "${key}": it has changed meanwhile`);
    this.name = 'StaleError';
    this.key = key;
  }
}

/** What is written in one transaction with an object: another one that exists only with it. */
export interface SideWrite {
  readonly cache: KindCache;
  readonly key: string;
  /** Undefined deletes. */
  readonly object: KubeObject | undefined;
  /** The revision it must be at; 0: it does not exist. @default any */
  readonly expected?: number | undefined;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The objects of all kinds in memory, kept up by one watch of the store. A write becomes visible when that watch
 * delivers it, the writer's own as well as those of other servers on the same store: everybody sees all writes in the
 * order of their revisions.
 */
export class ObjectStorage {
  readonly #store: Store;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #caches = new Map<string, KindCache>();
  readonly #stop = new AbortController();
  readonly #lock = new KeyLock();
  readonly #ages: RevisionAges;
  /** Objects on their way into the store, so that the watch need not decode what was just encoded. */
  readonly #inFlight = new Map<string, { readonly text: string; readonly object: KubeObject }>();
  #waiters: Waiter[] = [];
  #revision = 0;
  #loadedAt = 0;
  #failure: Error | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(store: Store, log: Log, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#ages = new RevisionAges(clock, HISTORY_MS);
  }

  /** The revision that memory shows. */
  get revision(): number {
    return this.#revision;
  }

  /** Lists show no state before this one, though it may still be known: others compact their etcd every five minutes. */
  get oldestListed(): number {
    return this.#ages.oldest;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async load(): Promise<void> {
    const { entries, revision } = await this.#store.range(REGISTRY_PREFIX);
    this.#revision = revision;
    this.#loadedAt = revision;
    for (const entry of entries) {
      const at = splitStorageKey(entry.key);
      if (at === undefined) continue;
      const object = decodeObject(entry.value, entry.modRevision);
      this.#cacheAt(at.prefix).load(new StoredObject(at.key, object, entry.value, entry.modRevision));
    }
    this.#watching = this.#follow();
  }

  cache(resource: Pick<Resource, 'group' | 'plural'>): KindCache {
    return this.#cacheAt(storagePrefix(resource));
  }

  /** Runs a read-modify-write of one object alone, so that it loses no race against another one in this process. */
  exclusively<T>(cache: KindCache, key: string, task: () => Promise<T>): Promise<T> {
    return this.#lock.run(cache.prefix + key, task);
  }

  /**
   * Writes `object` if the key still is at `expected` (0: does not exist), and resolves when it is visible. What is
   * written `beside` it is so in the same transaction.
   * @throws {StaleError}
   */
  async put(
    cache: KindCache,
    key: string,
    object: KubeObject,
    expected: number,
    beside: readonly SideWrite[] = [],
  ): Promise<StoredObject> {
    const full = cache.prefix + key;
    const text = encodeObject(object);
    this.#inFlight.set(full, { text, object });
    const side = this.#sideOps(beside);
    try {
      const revision = await this.#commit(
        [{ key: full, modRevision: expected }, ...sideCompares(beside)],
        // First what stands beside it, so that whoever sees the object finds that already.
        [...side, { kind: 'put', key: full, value: text }],
      );
      const written = cache.get(key);
      if (written?.revision === revision) return written;
      // Another write is visible already: the answer shows ours.
      return new StoredObject(key, completeObject(object, revision), text, revision);
    } finally {
      this.#landed(full, text);
      for (const op of side) if (op.kind === 'put') this.#landed(op.key, op.value);
    }
  }

  /** Deletes the object if it still is at `expected`; resolves to its last state when the deletion is visible. */
  async delete(cache: KindCache, object: StoredObject, beside: readonly SideWrite[] = []): Promise<StoredObject> {
    const full = cache.prefix + object.key;
    const revision = await this.#commit(
      [{ key: full, modRevision: object.revision }, ...sideCompares(beside)],
      [{ kind: 'delete', key: full }, ...this.#sideOps(beside)],
    );
    return object.at(revision);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #commit(compares: readonly Compare[], ops: readonly Op[]): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const result = await this.#store.txn(compares, ops);
    // Wait in both cases: the loser of a race has to see what it lost against before it tries again.
    await this.#visible(result.revision);
    if (!result.succeeded) {
      const stale = compares.find(({ modRevision }, i) => (result.entries[i]?.modRevision ?? 0) !== modRevision);
      throw new StaleError(stale?.key ?? compares[0]?.key ?? '');
    }
    return result.revision;
  }

  #sideOps(beside: readonly SideWrite[]): Op[] {
    return beside.map(({ cache, key, object }): Op => {
      const full = cache.prefix + key;
      if (object === undefined) return { kind: 'delete', key: full };
      const value = encodeObject(object);
      this.#inFlight.set(full, { text: value, object });
      return { kind: 'put', key: full, value };
    });
  }

  #landed(key: string, text: string): void {
    if (this.#inFlight.get(key)?.text === text) this.#inFlight.delete(key);
  }

  #visible(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  async #follow(): Promise<void> {
    try {
      // Of all keys: the revisions of writes to other keys count as well, and a write waits for its revision.
      const changes = this.#store.watch('', { after: this.#revision, signal: this.#stop.signal });
      for await (const { revision, events } of changes) {
        for (const event of events) this.#apply(event);
        this.#revision = revision;
        this.#ages.note(revision);
        this.#wake();
      }
      this.#fail(new Error('Cannot use the storage: it is closed'));
    } catch (error) {
      this.#log.error('the watch of the store ended', { error: errorMessage(error) });
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #apply(event: StoreEvent): void {
    const at = splitStorageKey(event.entry.key);
    if (at === undefined) return;
    const cache = this.#cacheAt(at.prefix);
    const previous = cache.get(at.key);
    const revision = event.entry.modRevision;
    let change: Change;
    if (event.kind === 'delete') {
      if (previous === undefined) return;
      change = { type: 'DELETED', revision, current: previous.at(revision), previous };
    } else {
      const current = new StoredObject(at.key, this.#decode(event), event.entry.value, revision);
      change = { type: previous === undefined ? 'ADDED' : 'MODIFIED', revision, current, previous };
    }
    cache.apply(change);
  }

  #decode({ entry }: StoreEvent): KubeObject {
    const own = this.#inFlight.get(entry.key);
    if (own !== undefined && own.text === entry.value) return completeObject(own.object, entry.modRevision);
    return decodeObject(entry.value, entry.modRevision);
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.revision <= this.#revision);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of ready) waiter.resolve();
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #cacheAt(prefix: string): KindCache {
    let cache = this.#caches.get(prefix);
    if (cache === undefined) {
      cache = new KindCache(prefix, this.#loadedAt, this.#clock);
      this.#caches.set(prefix, cache);
    }
    return cache;
  }
}

function sideCompares(beside: readonly SideWrite[]): Compare[] {
  return beside.flatMap(({ cache, key, expected }) =>
    expected === undefined ? [] : [{ key: cache.prefix + key, modRevision: expected }],
  );
}

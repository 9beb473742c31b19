import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { type KubeObject, objectKey, type WatchEvent } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import { ChangeOrder } from './change-order.ts';
import { ApiError, type Client } from './client.ts';
import { type Indexer, ObjectCache } from './object-cache.ts';

export interface InformerOptions<T extends KubeObject> {
  readonly clock: Clock;
  readonly log: Log;
  /** @default all namespaces */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly indexers?: Readonly<Record<string, Indexer<T>>> | undefined;
  /** Objects per page of a list; absent: all at once, which suits a server in the same process. */
  readonly pageSize?: number | undefined;
  /**
   * What is remembered of an object once handlers have been told of it whole; at least its name, namespace, uid and
   * resourceVersion. For those who keep what they need in a form of their own. Register handlers before the start: later
   * ones are told of what is remembered. @default the object
   */
  readonly keep?: ((object: T) => T) | undefined;
  /** 0 <= x < 1, for the jitter of the back-off. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** Called one after the other, in the order of the changes, before anything else sees them. Must not throw or wait. */
export interface InformerHandlers<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** With the last state that was seen. */
  deleted?(object: T): void;
}

const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;
/** A stream that ends sooner than this with nothing in it counts as a failure, or the loop would spin. */
const SHORT_WATCH_MS = 1000;

/**
 * A copy of all objects of one resource, kept up to date by one list and a watch that goes on from it. A broken stream
 * resumes at the last resourceVersion; only when the server no longer has that one, or said what cannot be, are the objects
 * listed again, and then handlers are told just what differs. No object ever goes back to what it was before.
 */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** Resolves when the first list is in the cache and handlers were told of it; rejects when stopped before. */
  readonly synced: Promise<void>;
  readonly #client: Client;
  readonly #options: InformerOptions<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<InformerHandlers<T>>();
  readonly #order: ChangeOrder;
  #resourceVersion: string | undefined;
  /** A watch cannot go on from there. */
  #isExpired = false;
  #started = false;
  #hasSynced = false;
  #resolveSynced: () => void = () => {};
  #rejectSynced: (reason: unknown) => void = () => {};

  constructor(client: Client, resource: Resource<T>, options: InformerOptions<T>) {
    this.#client = client;
    this.resource = resource;
    this.#options = options;
    this.#order = new ChangeOrder({ ...options, resource: resource.plural });
    for (const [name, indexer] of Object.entries(options.indexers ?? {})) this.#cache.addIndex(name, indexer);
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve;
      this.#rejectSynced = reject;
    });
    // Nobody has to wait for it.
    this.synced.catch(() => {});
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** How far the cache is, as the server counts. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  get size(): number {
    return this.#cache.size;
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(): readonly T[] {
    return [...this.#cache.values()];
  }

  addIndex(name: string, indexer: Indexer<T>): void {
    this.#cache.addIndex(name, indexer);
  }

  byIndex(name: string, value: string): readonly T[] {
    return this.#cache.byIndex(name, value);
  }

  /** What is in the cache already is told as `added` before this returns. */
  on(handlers: InformerHandlers<T>): Disposable {
    // A copy: one set of handlers may be registered twice.
    const own = { ...bound(handlers) };
    this.#handlers.add(own);
    for (const object of this.#cache.values()) this.#tell(own, 'added', object);
    return { [Symbol.dispose]: () => void this.#handlers.delete(own) };
  }

  /** Starts once; further calls do nothing. */
  start(signal: AbortSignal): void {
    if (this.#started) return;
    this.#started = true;
    void this.#run(signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, random = Math.random } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      let wait = 0;
      try {
        if (this.#resourceVersion === undefined || this.#isExpired || this.#order.isDoubted) await this.#relist(signal);
        if (await this.#watch(signal)) failures = 0;
        else failures++;
      } catch (error) {
        if (signal.aborted) break;
        failures++;
        if (isExpired(error)) this.#isExpired = true;
        wait = error instanceof ApiError ? error.retryAfterMs : 0;
        const level = failures === 1 ? 'debug' : 'warn';
        log[level]('watch failed', { resource: this.resource.plural, error: errorMessage(error), failures });
      }
      // The first failure is tried again at once: mostly a server that restarted or an expired version.
      if ((failures < 2 && wait === 0) || signal.aborted) continue;
      const delay = Math.max(Math.min(BASE_DELAY_MS * 2 ** (failures - 2), MAX_DELAY_MS), wait) * (1 + random());
      await clock.sleep(delay, signal).catch(() => {});
    }
    this.#rejectSynced(signal.reason);
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { pageSize } = this.#options;
    try {
      await this.#list(pageSize, signal);
    } catch (error) {
      // The rest of the pages are of a version that the server has no longer: it has the whole, all the same.
      if (pageSize === undefined || !isExpired(error)) throw error;
      await this.#list(undefined, signal);
    }
    if (signal.aborted) return;
    this.#isExpired = false;
    this.#order.listed();
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  async #list(limit: number | undefined, signal: AbortSignal): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const present = new Set<string>();
    this.#order.list();
    let version: string;
    let next: string | undefined;
    do {
      const list = await this.#client.list(this.resource, {
        namespace,
        labelSelector,
        fieldSelector,
        limit,
        continue: next,
        signal,
      });
      if (signal.aborted) return;
      version = list.metadata.resourceVersion;
      if (!this.#order.admitsList(version, this.#resourceVersion)) {
        throw new Error(`the server lists what was there before: at ${version}, after ${this.#resourceVersion}`);
      }
      next = list.metadata.continue === '' ? undefined : list.metadata.continue;
      for (const item of list.items) present.add(objectKey(item));
      // What is gone goes before what is new comes, which may have taken over an address.
      if (next === undefined) for (const key of this.#cache.keys()) if (!present.has(key)) this.#remove(key, version);
      // A page is told before the next is there: all of them at once may be more than there is memory for.
      for (const item of list.items) this.#settle(this.#typed(item));
    } while (next !== undefined);
    this.#resourceVersion = version;
  }

  /** Items of a list carry no apiVersion and kind of their own on a real server. */
  #typed(item: T): T {
    if (item.kind !== undefined && item.apiVersion !== undefined) return item;
    const { group, version, kind } = this.resource;
    return { ...item, kind, apiVersion: group === '' ? version : `${group}/${version}` };
  }

  /** An item of a list: told only when it differs from what is known. */
  #settle(item: T): void {
    const old = this.#cache.get(objectKey(item));
    if (old?.metadata.resourceVersion === item.metadata.resourceVersion) return;
    if (this.#order.admitsItem(item, old)) this.#store(item, old);
  }

  /** False when the stream ended at once with nothing in it. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { clock, namespace, labelSelector, fieldSelector } = this.#options;
    const start = clock.monotonic();
    let news = 0;
    const stream = this.#client.watch(this.resource, {
      namespace,
      labelSelector,
      fieldSelector,
      resourceVersion: this.#resourceVersion,
      allowBookmarks: true,
      signal,
    });
    for await (const event of stream) {
      if (signal.aborted) break;
      if (this.#apply(event)) news++;
    }
    return news > 0 || clock.monotonic() - start >= SHORT_WATCH_MS;
  }

  /** Returns whether it told anything. */
  #apply(event: WatchEvent<T>): boolean {
    if (event.type === 'ERROR') throw new ApiError(event.object);
    const { resourceVersion: version } = event.object.metadata;
    const before = this.#resourceVersion;
    if (event.type === 'BOOKMARK') {
      this.#resourceVersion = this.#order.later('bookmark', version, before);
      return this.#resourceVersion !== before;
    }
    const key = objectKey(event.object);
    const old = this.#cache.get(key);
    if (!this.#order.admits(event.type, event.object, old)) return false;
    this.#resourceVersion = this.#order.later(key, version, before);
    if (event.type !== 'DELETED') this.#store(event.object, old);
    else {
      if (old !== undefined) this.#cache.set(event.object);
      this.#remove(key, version);
    }
    return true;
  }

  #store(object: T, known: T | undefined): void {
    const { keep } = this.#options;
    const key = objectKey(object);
    // Deleted and made again while nobody told us: two objects, so two changes.
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) this.#remove(key, undefined);
    this.#order.came(key);
    const old = this.#cache.set(keep === undefined ? object : keep(object));
    for (const handlers of this.#handlers) {
      if (old === undefined) this.#tell(handlers, 'added', object);
      else this.#tell(handlers, 'updated', object, old);
    }
  }

  #remove(key: string, version: string | undefined): void {
    this.#order.went(key, version);
    const old = this.#cache.delete(key);
    if (old === undefined) return;
    for (const handlers of this.#handlers) this.#tell(handlers, 'deleted', old);
  }

  #tell(handlers: InformerHandlers<T>, what: 'added' | 'deleted' | 'updated', object: T, old: T = object): void {
    try {
      handlers[what]?.(object, old);
    } catch (error) {
      // One bad handler must not stop the others, nor the stream.
      this.#options.log.error('handler failed', {
        resource: this.resource.plural,
        key: objectKey(object),
        error: error instanceof Error ? error.stack : String(error),
      });
    }
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.code === 410;
}

function bound<T extends KubeObject>(handlers: InformerHandlers<T>): InformerHandlers<T> {
  return {
    added: (object) => handlers.added?.(object),
    updated: (object, old) => handlers.updated?.(object, old),
    deleted: (object) => handlers.deleted?.(object),
  };
}

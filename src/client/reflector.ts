import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { type KubeObject, objectKey, type WatchEvent } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import { ChangeOrder, type Held } from './change-order.ts';
import { ApiError, type Client, type ListOptions } from './client.ts';

export interface ReflectorOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** @default all namespaces */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /**
   * Objects per page of a list, which are stored as they come in; absent: all at once, which suits a server in the same
   * process.
   */
  readonly pageSize?: number | undefined;
  /** 0 <= x < 1, for the jitter of the back-off. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** What holds the objects, in a form of its own. Called in the order of the changes; must not throw or wait. */
export interface ReflectorStore<T extends KubeObject> {
  /** Whether all that was set is held; one that picks out some cannot tell what is not picked from what it was never told of. */
  readonly holdsAll: boolean;
  /** What is known of the object that this is a state of. */
  held(object: T): Held | undefined;
  set(object: T): void;
  /** With its last state; maybe of one that is not known. */
  delete(object: T): void;
  /** A list of all objects begins; one that breaks off is followed by another. */
  listing(): Listing<T>;
}

export interface Listing<T extends KubeObject> {
  /** It is there. */
  seen(object: T): void;
  /** All that are there were seen; `gone` is told of each other one, by `objectKey`, where that is known. */
  dropOthers(gone: (key: string) => void): void;
}

const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;
/** A stream that ends sooner than this with nothing in it counts as a failure, or the loop would spin. */
const SHORT_WATCH_MS = 1000;

/**
 * Keeps a store up to date with all objects of one resource, by one list and a watch that goes on from it. A broken stream
 * resumes at the last resourceVersion; only when the server no longer has that one, or said what cannot be, are the objects
 * listed again. No object ever goes back to what it was before.
 */
export class Reflector<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** Resolves when the first list is in the store; rejects when stopped before. */
  readonly synced: Promise<void>;
  readonly #client: Client;
  readonly #store: ReflectorStore<T>;
  readonly #options: ReflectorOptions;
  readonly #order: ChangeOrder;
  #resourceVersion: string | undefined;
  /** A watch cannot go on from there. */
  #isExpired = false;
  #started = false;
  #hasSynced = false;
  #resolveSynced: () => void = () => {};
  #rejectSynced: (reason: unknown) => void = () => {};

  constructor(client: Client, resource: Resource<T>, store: ReflectorStore<T>, options: ReflectorOptions) {
    this.#client = client;
    this.resource = resource;
    this.#store = store;
    this.#options = options;
    this.#order = new ChangeOrder({ ...options, resource: resource.plural });
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

  /** How far the store is, as the server counts. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
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
      await (pageSize === undefined ? this.#listWhole(signal) : this.#listStreamed(pageSize, signal));
    } catch (error) {
      // The rest of the pages are of a version that the server has no longer: it has the whole, all the same.
      if (pageSize === undefined || !isExpired(error)) throw error;
      await this.#listStreamed(undefined, signal);
    }
    if (signal.aborted) return;
    this.#isExpired = false;
    this.#order.listed();
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  async #listWhole(signal: AbortSignal): Promise<void> {
    const listing = this.#store.listing();
    this.#order.list();
    const list = await this.#client.list(this.resource, this.#selection(signal));
    const { metadata } = list;
    // In Go an empty list may be written as null.
    const items = ((list.items as readonly T[] | null) ?? []).filter((item) => this.#order.isNamed(item));
    if (signal.aborted) return;
    this.#checkList(metadata.resourceVersion);
    for (const item of items) listing.seen(item);
    // What is gone goes before what is new comes, which may have taken over an address.
    this.#dropOthers(listing, metadata.resourceVersion);
    for (const item of items) this.#settle(this.#typed(item));
  }

  /**
   * Each item is stored before the next is there: all of them at once may be more than there is memory for. But what came
   * since the list before waits for what is gone, whose address it may have; that is little, as a rule.
   */
  async #listStreamed(limit: number | undefined, signal: AbortSignal): Promise<void> {
    const listing = this.#store.listing();
    this.#order.list();
    const late: T[] = [];
    const onItem = (given: T): void => {
      if (signal.aborted || !this.#order.isNamed(given)) return;
      const item = this.#typed(given);
      listing.seen(item);
      const isNew = this.#hasSynced && this.#store.holdsAll && this.#store.held(item) === undefined;
      if (isNew) late.push(item);
      else this.#settle(item);
    };
    const onVersion = (version: string): void => this.#checkList(version);
    const page = { ...this.#selection(signal), limit, onVersion, onItem };
    for (let next: string | undefined; ;) {
      const { metadata } = await this.#client.streamList(this.resource, { ...page, continue: next });
      if (signal.aborted) return;
      this.#checkList(metadata.resourceVersion);
      next = metadata.continue === '' ? undefined : metadata.continue;
      if (next !== undefined) continue;
      this.#dropOthers(listing, metadata.resourceVersion);
      for (const item of late) this.#settle(item);
      return;
    }
  }

  #selection(signal: AbortSignal): ListOptions & { readonly signal: AbortSignal } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { namespace, labelSelector, fieldSelector, signal };
  }

  #checkList(version: string): void {
    if (this.#order.admitsList(version, this.#resourceVersion)) return;
    throw new Error(`the server lists what was there before: at ${version}, after ${this.#resourceVersion}`);
  }

  #dropOthers(listing: Listing<T>, version: string): void {
    listing.dropOthers((key) => this.#order.went(key, version));
    this.#resourceVersion = version;
  }

  /** Items of a list carry no apiVersion and kind of their own on a real server. */
  #typed(item: T): T {
    if (item.kind !== undefined && item.apiVersion !== undefined) return item;
    const { group, version, kind } = this.resource;
    return { ...item, kind, apiVersion: group === '' ? version : `${group}/${version}` };
  }

  /** An item of a list: stored only when it differs from what is known. */
  #settle(item: T): void {
    const held = this.#store.held(item);
    if (held?.metadata.resourceVersion === item.metadata.resourceVersion) return;
    if (!this.#order.admitsItem(item, held)) return;
    this.#order.came(objectKey(item));
    this.#store.set(item);
  }

  /** False when the stream ended at once with nothing in it. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    let news = 0;
    const stream = this.#client.watch(this.resource, {
      ...this.#selection(signal),
      resourceVersion: this.#resourceVersion,
      allowBookmarks: true,
    });
    for await (const event of stream) {
      if (signal.aborted) break;
      if (this.#apply(event)) news++;
    }
    return news > 0 || clock.monotonic() - start >= SHORT_WATCH_MS;
  }

  /** Returns whether it told anything. */
  #apply(event: WatchEvent<T>): boolean {
    if (!this.#order.makesSense(event)) return false;
    if (event.type === 'ERROR') throw new ApiError(event.object);
    const { resourceVersion: version } = event.object.metadata;
    const before = this.#resourceVersion;
    if (event.type === 'BOOKMARK') {
      this.#resourceVersion = this.#order.later('bookmark', version, before);
      return this.#resourceVersion !== before;
    }
    const key = objectKey(event.object);
    const held = this.#store.held(event.object);
    const type = held === undefined && !this.#store.holdsAll ? 'ADDED' : event.type;
    if (!this.#order.admits(type, event.object, held)) return false;
    this.#resourceVersion = this.#order.later(key, version, before);
    if (event.type === 'DELETED') {
      this.#order.went(key, version);
      this.#store.delete(event.object);
    } else {
      this.#order.came(key);
      this.#store.set(event.object);
    }
    return true;
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.code === 410;
}

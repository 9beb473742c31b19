import { type KubeObject, objectKey } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';
import type { Client } from './client.ts';
import { type Indexer, ObjectCache } from './object-cache.ts';
import { type Listing, Reflector, type ReflectorOptions, type ReflectorStore } from './reflector.ts';

export interface InformerOptions<T extends KubeObject> extends ReflectorOptions {
  readonly indexers?: Readonly<Record<string, Indexer<T>>> | undefined;
  /**
   * What is remembered of an object once handlers have been told of it whole; at least its name, namespace, uid and
   * resourceVersion. For those who keep what they need in a form of their own. Register handlers before the start: later
   * ones are told of what is remembered. @default the object
   */
  readonly keep?: ((object: T) => T) | undefined;
}

/** Called one after the other, in the order of the changes, before anything else sees them. Must not throw or wait. */
export interface InformerHandlers<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** With the last state that was seen. */
  deleted?(object: T): void;
}

/**
 * A copy of all objects of one resource, kept up to date by a reflector, whose handlers are told just what differs. No object
 * ever goes back to what it was before.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<InformerHandlers<T>>();
  readonly #reflector: Reflector<T>;

  constructor(client: Client, resource: Resource<T>, options: InformerOptions<T>) {
    this.#options = options;
    for (const [name, indexer] of Object.entries(options.indexers ?? {})) this.#cache.addIndex(name, indexer);
    const store: ReflectorStore<T> = {
      holdsAll: true,
      held: (object) => this.#cache.get(objectKey(object)),
      set: (object) => this.#store(object),
      delete: (object) => {
        const key = objectKey(object);
        if (this.#cache.get(key) !== undefined) this.#cache.set(object);
        this.#remove(key);
      },
      listing: () => this.#listing(),
    };
    this.#reflector = new Reflector(client, resource, store, options);
  }

  get resource(): Resource<T> {
    return this.#reflector.resource;
  }

  /** Resolves when the first list is in the cache and handlers were told of it; rejects when stopped before. */
  get synced(): Promise<void> {
    return this.#reflector.synced;
  }

  get hasSynced(): boolean {
    return this.#reflector.hasSynced;
  }

  /** How far the cache is, as the server counts. */
  get resourceVersion(): string | undefined {
    return this.#reflector.resourceVersion;
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
    this.#reflector.start(signal);
  }

  #listing(): Listing<T> {
    const unseen = new Set(this.#cache.keys());
    return {
      seen: (item) => void unseen.delete(objectKey(item)),
      dropOthers: (gone) => {
        for (const key of unseen) {
          gone(key);
          this.#remove(key);
        }
      },
    };
  }

  #store(object: T): void {
    const { keep } = this.#options;
    const key = objectKey(object);
    const known = this.#cache.get(key);
    // Deleted and made again while nobody told us: two objects, so two changes.
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) this.#remove(key);
    const old = this.#cache.set(keep === undefined ? object : keep(object));
    for (const handlers of this.#handlers) {
      if (old === undefined) this.#tell(handlers, 'added', object);
      else this.#tell(handlers, 'updated', object, old);
    }
  }

  #remove(key: string): void {
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

function bound<T extends KubeObject>(handlers: InformerHandlers<T>): InformerHandlers<T> {
  return {
    added: (object) => handlers.added?.(object),
    updated: (object, old) => handlers.updated?.(object, old),
    deleted: (object) => handlers.deleted?.(object),
  };
}

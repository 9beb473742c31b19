import { type KubeObject, objectKey } from '#api/object.ts';

/** The values under which an index finds an object: none, one or several. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[];

/** Objects by key and by any number of named indexes, which every write keeps up to date. */
export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<
    string,
    { readonly indexer: Indexer<T>; readonly entries: Map<string, Map<string, T>> }
  >();

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  get size(): number {
    return this.#objects.size;
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** Declares an index and fills it. A name that is taken keeps its first indexer, so that sharers may all declare it. */
  addIndex(name: string, indexer: Indexer<T>): void {
    if (this.#indexes.has(name)) return;
    const index = { indexer, entries: new Map<string, Map<string, T>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index.entries, indexer(object), key, object);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`Cannot read index "${name}": it was never declared`);
    const entries = index.entries.get(value);
    return entries === undefined ? [] : [...entries.values()];
  }

  /** Stores the object and returns the one it replaces. */
  set(object: T): T | undefined {
    const key = objectKey(object);
    const old = this.#objects.get(key);
    // Joined from its pieces a key would be a chain of them for as long as it lives.
    this.#objects.set(old === undefined ? flat(key) : key, object);
    for (const { indexer, entries } of this.#indexes.values()) {
      const values = indexer(object);
      // Under a value that stays, the object keeps its place among the others.
      if (old !== undefined)
        remove(
          entries,
          indexer(old).filter((value) => !values.includes(value)),
          key,
        );
      insert(entries, values, key, object);
    }
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    for (const { indexer, entries } of this.#indexes.values()) remove(entries, indexer(old), key);
    return old;
  }
}

/** The same text as one string. */
function flat(text: string): string {
  return [text, ''].join('');
}

function insert<T>(entries: Map<string, Map<string, T>>, values: readonly string[], key: string, object: T): void {
  for (const value of values) {
    const found = entries.get(value);
    if (found === undefined) entries.set(value, new Map([[key, object]]));
    else found.set(key, object);
  }
}

function remove<T>(entries: Map<string, Map<string, T>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const found = entries.get(value);
    if (found?.delete(key) === true && found.size === 0) entries.delete(value);
  }
}

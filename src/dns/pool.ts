/**
 * Things that cost something to make, by what they are made from. Each round takes what it needs; what the one before
 * had and this one takes again is the same thing, so that a new configuration changes only what it is about.
 */
export class Pool<V> {
  readonly #close: (value: V) => void;
  #kept = new Map<string, V>();
  #taken = new Map<string, V>();

  constructor(close: (value: V) => void) {
    this.#close = close;
  }

  take(key: string, make: () => V): V {
    const known = this.#taken.get(key) ?? this.#kept.get(key);
    const value = known ?? make();
    this.#taken.set(key, value);
    return value;
  }

  values(): IterableIterator<V> {
    return this.#kept.values();
  }

  /** The round is over: what it did not take is closed. */
  settle(): void {
    for (const [key, value] of this.#kept) if (!this.#taken.has(key)) this.#close(value);
    this.#kept = this.#taken;
    this.#taken = new Map();
  }

  /** The round failed: what it made is closed, and all is as before. */
  abandon(): void {
    for (const [key, value] of this.#taken) if (!this.#kept.has(key)) this.#close(value);
    this.#taken = new Map();
  }
}

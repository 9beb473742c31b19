const START = 16;
/** Above this much of the places in use, looking for what is not there takes long. */
const FULL = 0.8;

/**
 * Numbers by numbers, several of a key too: a Map takes 36 bytes an entry and the collector walks through all of it, this takes
 * 10 to 20 that nobody walks through. Keys have 32 bits; values are 0 to 2^32 - 2. Open addressing with linear probing.
 */
export class NumberIndex {
  #keys = new Uint32Array(START);
  /** One more than the value; 0 where nothing is. */
  #values = new Uint32Array(START);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: number, value: number): void {
    if (this.#size + 1 > this.#keys.length * FULL) this.#grow();
    this.#put(key >>> 0, value + 1);
    this.#size++;
  }

  /** The first value of the key that fits. */
  find(key: number, fits: (value: number) => boolean): number | undefined {
    const mask = this.#keys.length - 1;
    for (let at = mixed(key) & mask; ; at = (at + 1) & mask) {
      const value = this.#values[at] ?? 0;
      if (value === 0) return undefined;
      if (this.#keys[at] === key >>> 0 && fits(value - 1)) return value - 1;
    }
  }

  all(key: number): number[] {
    const found: number[] = [];
    this.find(key, (value) => {
      found.push(value);
      return false;
    });
    return found;
  }

  /** What comes after in the same run moves up, so that nothing is cut off from where its search begins. */
  remove(key: number, value: number): void {
    const mask = this.#keys.length - 1;
    let hole = mixed(key) & mask;
    while (this.#keys[hole] !== key >>> 0 || this.#values[hole] !== value + 1) {
      if (this.#values[hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    for (let at = (hole + 1) & mask; this.#values[at] !== 0; at = (at + 1) & mask) {
      const home = mixed(this.#keys[at] ?? 0) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[at] ?? 0;
      this.#values[hole] = this.#values[at] ?? 0;
      hole = at;
    }
    this.#values[hole] = 0;
    this.#size--;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(2 * keys.length);
    this.#values = new Uint32Array(2 * keys.length);
    for (let at = 0; at < keys.length; at++) {
      const value = values[at] ?? 0;
      if (value !== 0) this.#put(keys[at] ?? 0, value);
    }
  }

  #put(key: number, value: number): void {
    const mask = this.#keys.length - 1;
    let at = mixed(key) & mask;
    while (this.#values[at] !== 0) at = (at + 1) & mask;
    this.#keys[at] = key;
    this.#values[at] = value;
  }
}

/** Keys that follow each other go to places that do not (the finalizer of MurmurHash3). */
function mixed(key: number): number {
  let hash = key ^ (key >>> 16);
  hash = Math.imul(hash, 0x85eb_ca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

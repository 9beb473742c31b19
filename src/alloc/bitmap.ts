/** `size` bits, all clear at first, in words of 32. */
export class Bitmap {
  readonly size: number;
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.size = size;
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  has(index: number): boolean {
    return ((this.#word(index >>> 5) >>> (index & 31)) & 1) === 1;
  }

  set(index: number): void {
    this.#words[index >>> 5] = this.#word(index >>> 5) | (1 << (index & 31));
  }

  clear(index: number): void {
    this.#words[index >>> 5] = this.#word(index >>> 5) & ~(1 << (index & 31));
  }

  /** The first clear bit in [from, to), or -1. Full words are passed over 32 bits at a time. */
  firstClear(from: number, to: number): number {
    let index = from;
    while (index < to) {
      const free = ~this.#word(index >>> 5) >>> (index & 31);
      if (free === 0) {
        index = ((index >>> 5) + 1) << 5;
        continue;
      }
      // The lowest one bit of `free`, counted from the right.
      const found = index + 31 - Math.clz32(free & -free);
      return found < to ? found : -1;
    }
    return -1;
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }
}

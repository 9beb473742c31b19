import type { ElementBlock } from './table.ts';

const EMPTY = new Uint8Array();

/**
 * Packs elements into an `ElementBlock` without an object for each: `next` gives the offset at which the caller writes
 * the key and then the data into `bytes`. The bytes there are zero, so padding need not be written.
 */
export class BlockWriter {
  readonly keyLength: number;
  readonly dataLength: number;
  bytes: Uint8Array = EMPTY;
  #count = 0;
  readonly #comments: string[] = [];

  constructor(keyLength: number, dataLength: number) {
    this.keyLength = keyLength;
    this.dataLength = dataLength;
  }

  get count(): number {
    return this.#count;
  }

  /** `bytes` may be another array after each call. */
  next(): number {
    const size = this.keyLength + this.dataLength;
    const at = this.#count * size;
    if (at + size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, 4 * size));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.#count++;
    return at;
  }

  /** Of the record that `next` made last; a block has comments for all of its records or for none. ASCII. */
  comment(text: string): void {
    this.#comments.push(text);
  }

  finish(): ElementBlock {
    const { keyLength, dataLength } = this;
    const comments = this.#comments.length === 0 ? {} : { comments: this.#comments };
    return { kind: 'block', keyLength, dataLength, count: this.#count, bytes: this.bytes, ...comments };
  }
}

import { malformed } from './protobuf-error.ts';

export const VARINT = 0;
const FIXED64 = 1;
/** Text, bytes, a message, or packed numbers behind their length. */
export const DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/**
 * Messages in messages. Schemas of custom kinds nest deepest, by two for each level; nobody writes so many, and a hostile
 * body must not exhaust the stack.
 */
const MAX_DEPTH = 500;

/** Up to here reading bytes one by one is quicker than asking for a string of them. */
const SHORT_TEXT = 24;

/**
 * Reads protocol buffer fields from `bytes`. It never reads beyond `end`: `enter` moves it to the end of a message inside,
 * whose length it has checked, and `leave` back.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #position = 0;
  #end: number;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  get more(): boolean {
    return this.#position < this.#end;
  }

  /** Field number * 8 + wire type. */
  tag(): number {
    const tag = this.#low32();
    if (tag >>> 3 === 0) throw this.#error('the field number is 0');
    return tag;
  }

  /** Into the message whose length comes next; the result is for `leave`. */
  enter(): number {
    const outer = this.#end;
    const length = this.#length();
    if (++this.#depth > MAX_DEPTH) throw this.#error(`it is nested deeper than ${MAX_DEPTH} levels`);
    this.#end = this.#position + length;
    return outer;
  }

  leave(outer: number): void {
    this.#depth--;
    this.#end = outer;
  }

  boolean(): boolean {
    const start = this.#position;
    if (this.#low32() !== 0) return true;
    // Bits above the 32 low ones count as well; only hostile encoders set them.
    return (
      this.#position - start > 4 && this.#bytes.subarray(start, this.#position).some((byte) => (byte & 0x7f) !== 0)
    );
  }

  /** Negative ones come sign-extended to 64 bits. */
  int32(): number {
    return this.#low32() | 0;
  }

  /** The nearest double, as for an integer in JSON. */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return high * 2 ** 32 + (low >>> 0);
    }
    throw this.#error('an integer has more than 64 bits');
  }

  double(): number {
    if (this.#end - this.#position < 8) throw this.#error('it ends within a number');
    const value = this.#bytes.readDoubleLE(this.#position);
    this.#position += 8;
    return value;
  }

  text(): string {
    const length = this.#length();
    const start = this.#position;
    this.#position += length;
    if (length <= SHORT_TEXT) {
      let text = '';
      let at = start;
      for (; at < this.#position; at++) {
        const byte = this.#bytes[at] ?? 0x80;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === this.#position) return text;
    }
    return this.#bytes.toString('utf8', start, this.#position);
  }

  base64(): string {
    const length = this.#length();
    this.#position += length;
    return this.#bytes.toString('base64', this.#position - length, this.#position);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.#length();
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }

  skip(tag: number): void {
    // Groups nest, and a loop over them needs no stack.
    let groups = 0;
    let wireType = tag & 7;
    for (;;) {
      if (wireType === GROUP_START) groups++;
      else if (wireType === GROUP_END) {
        if (groups-- === 0) throw this.#error('a group ends that has not begun');
      } else this.#skipValue(wireType);
      if (groups === 0) return;
      wireType = this.tag() & 7;
    }
  }

  #skipValue(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.#low32();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case DELIMITED: {
        const length = this.#length();
        this.#position += length;
        return;
      }
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw this.#error(`a field is of the unknown wire type ${wireType}`);
    }
  }

  #advance(count: number): void {
    if (count > this.#end - this.#position) throw this.#error('it ends within a field');
    this.#position += count;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw this.#error('it ends within a field');
    return this.#bytes[this.#position++] ?? 0;
  }

  /** The low 32 bits of a varint, unsigned. */
  #low32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.#error('an integer has more than 64 bits');
  }

  /** Checked against what is left. Lengths beyond 32 bits are beyond that, too. */
  #length(): number {
    const start = this.#position;
    const length = this.#low32();
    const left = this.#end - this.#position;
    if (length > left || this.#position - start > 5) {
      throw this.#error(`a length of ${length} is more than the ${left} bytes that are left`);
    }
    return length;
  }

  #error(why: string): Error {
    return malformed(`Cannot read protobuf at byte ${this.#position}: ${why}`);
  }
}

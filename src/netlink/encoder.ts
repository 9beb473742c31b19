import { align4, NLA_HDRLEN, NLA_MAX_LENGTH, NLMSG_HDRLEN } from './align.ts';
import { NLA_F_NESTED } from './attribute.ts';

const utf8 = new TextEncoder();

const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
const swap32 = (value: number): number =>
  ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);

/**
 * Appends netlink messages to one growing buffer. Everything in netlink starts on a multiple of four bytes, so the
 * whole encoder writes 32-bit words in the host's order, which is little-endian on every machine we run on.
 *
 * Nothing is copied or kept per message: a batch of 100,000 elements is a few hundred thousand word stores.
 */
export class MessageEncoder {
  #words: Uint32Array;
  #bytes: Uint8Array;
  /** In words. */
  #at = 0;
  #message = -1;
  #sequence: number;

  constructor(options: { readonly capacity?: number; readonly sequence?: number } = {}) {
    this.#words = new Uint32Array(align4(options.capacity ?? 4096) >> 2);
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.#sequence = options.sequence ?? 1;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at << 2;
  }

  /** The sequence number that the next message gets. Errors of the kernel carry the number of the message they mean. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** Forgets what was written but keeps the memory. Bytes that `finish` returned before become invalid. */
  reset(sequence: number = this.#sequence): void {
    this.#at = 0;
    this.#message = -1;
    this.#sequence = sequence;
  }

  /** Starts a message and returns its sequence number. struct nlmsghdr { len, type, flags, seq, pid } */
  begin(type: number, flags: number): number {
    if (this.#message >= 0) throw new Error(`Cannot begin message ${type}: the one before has not ended`);
    const at = this.#reserve(NLMSG_HDRLEN >> 2);
    this.#message = at;
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) >>> 0;
    this.#words[at] = 0;
    this.#words[at + 1] = (type & 0xffff) | (flags << 16);
    this.#words[at + 2] = sequence;
    // A port id of 0 is filled in by nobody and needed by nobody: the kernel takes the sender's from the socket.
    this.#words[at + 3] = 0;
    return sequence;
  }

  end(): void {
    if (this.#message < 0) throw new Error('Cannot end a message: none has begun');
    this.#words[this.#message] = (this.#at - this.#message) << 2;
    this.#message = -1;
  }

  /** struct nfgenmsg { __u8 nfgen_family; __u8 version; __be16 res_id; } */
  nfgenmsg(family: number, resourceId: number = 0): void {
    const at = this.#reserve(1);
    this.#words[at] = (family & 0xff) | (swap16(resourceId) << 16);
  }

  /** One word of a fixed header, host order. */
  word(value: number): void {
    const at = this.#reserve(1);
    this.#words[at] = value;
  }

  /** A fixed header as bytes; padded to four. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(align4(bytes.length) >> 2);
    this.#put(at, bytes);
  }

  /** An attribute without payload (NLA_FLAG). */
  flag(type: number): void {
    const at = this.#reserve(1);
    this.#words[at] = NLA_HDRLEN | (type << 16);
  }

  u8(type: number, value: number): void {
    this.#one(type, 1, value & 0xff);
  }

  u16(type: number, value: number): void {
    this.#one(type, 2, value & 0xffff);
  }

  u32(type: number, value: number): void {
    this.#one(type, 4, value);
  }

  /** Also takes a safe integer as a number, which is much cheaper than a bigint. */
  u64(type: number, value: number | bigint): void {
    const [low, high] = split64(value);
    this.#two(type, low, high);
  }

  be16(type: number, value: number): void {
    this.#one(type, 2, swap16(value));
  }

  be32(type: number, value: number): void {
    this.#one(type, 4, swap32(value));
  }

  be64(type: number, value: number | bigint): void {
    const [low, high] = split64(value);
    this.#two(type, swap32(high), swap32(low));
  }

  bytes(type: number, bytes: Uint8Array): void {
    const at = this.#attribute(type, bytes.length);
    this.#put(at, bytes);
  }

  /** NLA_NUL_STRING: UTF-8 with a zero byte at the end. */
  string(type: number, text: string): void {
    const length = text.length;
    const at = this.#attribute(type, length + 1);
    // The zero byte and the padding in one store; the characters follow over it.
    this.#words[at + (length >> 2)] = 0;
    const start = at << 2;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f || code === 0) {
        this.#at = at - 1;
        this.#stringSlow(type, text);
        return;
      }
      this.#bytes[start + i] = code;
    }
  }

  /** Starts a nested attribute and returns the mark that `endNested` needs. */
  beginNested(type: number): number {
    const at = this.#reserve(1);
    this.#words[at] = (type | NLA_F_NESTED) << 16;
    return at;
  }

  endNested(mark: number): void {
    const length = (this.#at - mark) << 2;
    if (length > NLA_MAX_LENGTH) {
      throw new RangeError(
        `Cannot end a nested attribute of ${length} bytes: its length field ends at ${NLA_MAX_LENGTH}`,
      );
    }
    this.#words[mark] = (this.#words[mark] ?? 0) | length;
  }

  /** Bytes in a nested attribute that is still open, for lists that must be split before NLA_MAX_LENGTH. */
  nestedLength(mark: number): number {
    return (this.#at - mark) << 2;
  }

  nested(type: number, fill: () => void): void {
    const mark = this.beginNested(type);
    fill();
    this.endNested(mark);
  }

  /** The messages so far, without a copy: valid until the encoder is written to or reset. */
  finish(): Uint8Array {
    if (this.#message >= 0) throw new Error('Cannot finish: the last message has not ended');
    return this.#bytes.subarray(0, this.#at << 2);
  }

  #one(type: number, length: number, value: number): void {
    const at = this.#reserve(2);
    this.#words[at] = (NLA_HDRLEN + length) | (type << 16);
    this.#words[at + 1] = value;
  }

  #two(type: number, low: number, high: number): void {
    const at = this.#reserve(3);
    this.#words[at] = (NLA_HDRLEN + 8) | (type << 16);
    this.#words[at + 1] = low;
    this.#words[at + 2] = high;
  }

  #stringSlow(type: number, text: string): void {
    if (text.includes('\0')) throw new RangeError(`Cannot encode ${JSON.stringify(text)}: it holds a zero byte`);
    this.bytes(type, utf8.encode(`${text}\0`));
  }

  #attribute(type: number, payload: number): number {
    const length = NLA_HDRLEN + payload;
    if (length > NLA_MAX_LENGTH) {
      throw new RangeError(
        `Cannot encode attribute ${type} of ${payload} bytes: its length field ends at ${NLA_MAX_LENGTH}`,
      );
    }
    const at = this.#reserve(align4(length) >> 2);
    this.#words[at] = length | (type << 16);
    return at + 1;
  }

  /** Copies and zeroes the padding: the buffer is reused, and the kernel may refuse dirty padding. */
  #put(at: number, bytes: Uint8Array): void {
    const length = bytes.length;
    if ((length & 3) !== 0) this.#words[at + (length >> 2)] = 0;
    const start = at << 2;
    // Keys are 4 to 32 bytes long, where a loop is faster than the call of `set`.
    if (length > 64) this.#bytes.set(bytes, start);
    else for (let i = 0; i < length; i++) this.#bytes[start + i] = bytes[i] ?? 0;
  }

  #reserve(words: number): number {
    const at = this.#at;
    const end = at + words;
    if (end > this.#words.length) this.#grow(end);
    this.#at = end;
    return at;
  }

  #grow(words: number): void {
    const grown = new Uint32Array(Math.max(words, this.#words.length * 2));
    grown.set(this.#words.subarray(0, this.#at));
    this.#words = grown;
    this.#bytes = new Uint8Array(grown.buffer);
  }
}

function split64(value: number | bigint): readonly [low: number, high: number] {
  if (typeof value === 'number') return [value >>> 0, Math.floor(value / 0x1_0000_0000)];
  return [Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn)];
}

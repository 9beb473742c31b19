import { CodedError } from '#base/errors.ts';
import { align4, NLA_HDRLEN } from './align.ts';

/** #define NLA_F_NESTED (1 << 15) */
export const NLA_F_NESTED = 0x8000;
/** #define NLA_F_NET_BYTEORDER (1 << 14); NLA_TYPE_MASK is what neither of the two covers. */
export const NLA_TYPE_MASK = 0x3fff;

/** What the types of one attribute list are called, for error messages: `{ name: 'IFLA', types: { IFNAME: 3 } }`. */
export interface AttributeSpace {
  readonly name: string;
  readonly types: Readonly<Record<string, number>>;
}

/** Bytes that are not what the kernel promises. Decoders of this room throw nothing else. */
export class DecodeError extends CodedError {
  constructor(message: string) {
    super('ERR_NETLINK_DECODE', message);
    this.name = 'DecodeError';
  }
}

const utf8 = new TextDecoder();

/**
 * A cursor over a list of attributes: `while (reader.next()) switch (reader.type) ...`. Every length is checked before
 * it is used, and the error names the attribute. The views it returns share memory with the input.
 */
export class AttributeReader {
  readonly #space: AttributeSpace;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #next: number;
  #start = 0;
  #length = 0;
  #type = 0;

  constructor(bytes: Uint8Array, space: AttributeSpace, offset: number = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#space = space;
    this.#next = offset;
  }

  /** Without the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
  get type(): number {
    return this.#type;
  }

  /** Of the payload. */
  get length(): number {
    return this.#length;
  }

  /** Moves to the next attribute; false at the end. */
  next(): boolean {
    const at = this.#next;
    const rest = this.#bytes.length - at;
    // Fewer bytes than a header are padding of the enclosing attribute, as nla_ok() has it.
    if (rest < NLA_HDRLEN) return false;
    const length = this.#view.getUint16(at, true);
    this.#type = this.#view.getUint16(at + 2, true) & NLA_TYPE_MASK;
    if (length < NLA_HDRLEN || length > rest) {
      throw new DecodeError(`Cannot decode ${this.#name()}: its length ${length} does not fit the ${rest} bytes left`);
    }
    this.#start = at + NLA_HDRLEN;
    this.#length = length - NLA_HDRLEN;
    this.#next = at + align4(length);
    return true;
  }

  u8(): number {
    this.#expect(1);
    return this.#view.getUint8(this.#start);
  }

  u16(): number {
    this.#expect(2);
    return this.#view.getUint16(this.#start, true);
  }

  u32(): number {
    this.#expect(4);
    return this.#view.getUint32(this.#start, true);
  }

  s32(): number {
    this.#expect(4);
    return this.#view.getInt32(this.#start, true);
  }

  u64(): bigint {
    this.#expect(8);
    return this.#view.getBigUint64(this.#start, true);
  }

  be16(): number {
    this.#expect(2);
    return this.#view.getUint16(this.#start, false);
  }

  be32(): number {
    this.#expect(4);
    return this.#view.getUint32(this.#start, false);
  }

  be64(): bigint {
    this.#expect(8);
    return this.#view.getBigUint64(this.#start, false);
  }

  /** The payload, without a copy. `length` makes any other length an error. */
  bytes(length?: number): Uint8Array {
    if (length !== undefined) this.#expect(length);
    return this.#bytes.subarray(this.#start, this.#start + this.#length);
  }

  /** Up to the first zero byte: the kernel ends some strings with one and some without. */
  string(): string {
    const payload = this.bytes();
    const zero = payload.indexOf(0);
    return utf8.decode(zero < 0 ? payload : payload.subarray(0, zero));
  }

  nested(space: AttributeSpace): AttributeReader {
    return new AttributeReader(this.bytes(), space);
  }

  #expect(length: number): void {
    if (this.#length !== length) {
      throw new DecodeError(`Cannot decode ${this.#name()}: it has ${this.#length} bytes, not ${length}`);
    }
  }

  #name(): string {
    const found = Object.entries(this.#space.types).find(([, type]) => type === this.#type);
    return `attribute ${this.#space.name}_${found?.[0] ?? this.#type}`;
  }
}

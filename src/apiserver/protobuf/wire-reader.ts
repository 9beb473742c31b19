const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What stands behind a field's number: protobuf's wire types. */
export type WireType = 0 | 1 | 2 | 5;

/** Reads protobuf's wire format. Every length is checked: the bytes come from the network. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  tag(): { readonly field: number; readonly type: WireType } {
    const tag = Number(this.varint());
    const type = tag & 7;
    if (type !== 0 && type !== 1 && type !== 2 && type !== 5) {
      throw new SyntaxError(`proto: illegal wireType ${type}`);
    }
    return { field: tag >>> 3, type };
  }

  /** 64 bits, unsigned. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw unexpectedEnd();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new SyntaxError('proto: integer overflow');
  }

  /** Signed integers travel as their 64-bit two's complement. */
  integer(): number {
    return Number(BigInt.asIntN(64, this.varint()));
  }

  double(): number {
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.varint()));
  }

  text(): string {
    return utf8.decode(this.bytes());
  }

  skip(type: WireType): void {
    if (type === 0) this.varint();
    else if (type === 2) this.bytes();
    else this.#take(type === 1 ? 8 : 4);
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw unexpectedEnd();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function unexpectedEnd(): SyntaxError {
  return new SyntaxError('unexpected EOF');
}

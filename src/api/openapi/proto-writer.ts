/**
 * Writes protocol buffer fields. Messages nest through `message`, which writes the inner fields in place behind a length
 * that it fills in afterwards.
 */
export class ProtoWriter {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  string(field: number, value: string): void {
    this.#tag(field, 2);
    const size = Buffer.byteLength(value);
    this.#varint(size);
    this.#reserve(size);
    Buffer.from(this.#bytes.buffer).write(value, this.#length);
    this.#length += size;
  }

  bool(field: number, value: boolean): void {
    this.#tag(field, 0);
    this.#varint(value ? 1 : 0);
  }

  int(field: number, value: number): void {
    this.#tag(field, 0);
    this.#varint(value);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    const start = this.#length;
    write();
    const size = this.#length - start;
    const width = varintWidth(size);
    this.#reserve(width);
    this.#bytes.copyWithin(start + width, start, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length = start + width + size;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++;
  return width;
}

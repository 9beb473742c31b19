import type { WireName } from './name.ts';
import { CLASS_IN, RECORD_TYPES } from './record-type.ts';
import type { DnsRecord } from './record.ts';

/** RFC 1035 4.1.4: a pointer has 14 bits. */
const MAX_POINTER = 0x3fff;
const MAX_ANCHORS = 3;
/** The version of the specification is the one record that does not change while the server runs. */
const VERSION_TTL = 28_800;

/** One for all: a message is written without waiting. */
let scratch = Buffer.alloc(0x1_0000);

/**
 * Writes the records of one message, with names that were there before as pointers to them. What `bytes` gives is good
 * until the next writer is made.
 */
export class MessageWriter {
  #bytes = scratch;
  #length: number;
  readonly #ttl: number;
  readonly #zone: WireName;
  /** Where a whole name is. */
  readonly #places = new Map<WireName, number>();
  /** The names whose ends others point to: the question, and few more. */
  readonly #anchors: WireName[] = [];

  /** The question's name is at `start`. */
  constructor({ start, ttl, zone }: { readonly start: number; readonly ttl: number; readonly zone: WireName }) {
    this.#length = start;
    this.#ttl = ttl;
    this.#zone = zone;
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  question(name: WireName, type: number): void {
    this.#name(name, true);
    this.#uint16(type);
    this.#uint16(CLASS_IN);
  }

  record(record: DnsRecord): void {
    this.#name(record.kind === 'SOA' ? this.#zone : record.name, true);
    this.#uint16(RECORD_TYPES[record.kind]);
    this.#uint16(CLASS_IN);
    this.#uint32(record.kind === 'TXT' ? VERSION_TTL : this.#ttl);
    const lengthAt = this.#length;
    this.#uint16(0);
    this.#data(record);
    this.#bytes.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
  }

  #data(record: DnsRecord): void {
    switch (record.kind) {
      case 'A':
        return this.#uint32(record.address);
      case 'AAAA':
        return this.#latin1(record.address);
      case 'CNAME':
      case 'PTR':
      case 'NS':
        return this.#name(record.target, true);
      case 'SRV':
        this.#uint16(0);
        this.#uint16(record.weight);
        this.#uint16(record.port);
        // RFC 2782: the target of SRV must not be a pointer, though others may point to it.
        return this.#name(record.target, false);
      case 'TXT':
        return this.#latin1(String.fromCharCode(record.text.length) + record.text);
      case 'HINFO':
        return this.#latin1(`${String.fromCharCode(record.text.length)}${record.text}\0`);
      case 'SOA':
        return this.#soa();
    }
  }

  /** The serial is of no use to anybody: there are no zone transfers. */
  #soa(): void {
    this.#name(`\x02ns\x03dns${this.#zone}`, true);
    this.#name(`\x0ahostmaster${this.#zone}`, true);
    for (const value of [1, 7200, 1800, 86_400, this.#ttl]) this.#uint32(value);
  }

  #name(name: WireName, compress: boolean): void {
    const place = compress ? this.#places.get(name) : undefined;
    if (place !== undefined) return this.#uint16(0xc000 | place);
    if (this.#length <= MAX_POINTER && !this.#places.has(name)) this.#places.set(name, this.#length);
    for (const anchor of compress ? this.#anchors : []) {
      const shared = sharedSuffix(name, anchor);
      if (shared <= 1) continue;
      this.#latin1(name.slice(0, name.length - shared));
      return this.#uint16(0xc000 | ((this.#places.get(anchor) ?? 0) + anchor.length - shared));
    }
    // It shares nothing with those before: what comes may share something with it.
    if (compress && this.#anchors.length < MAX_ANCHORS && this.#places.has(name)) this.#anchors.push(name);
    this.#latin1(name);
  }

  #latin1(text: string): void {
    this.#reserve(text.length);
    this.#bytes.write(text, this.#length, 'latin1');
    this.#length += text.length;
  }

  #uint16(value: number): void {
    this.#reserve(2);
    this.#bytes.writeUInt16BE(value, this.#length);
    this.#length += 2;
  }

  #uint32(value: number): void {
    this.#reserve(4);
    this.#bytes.writeUInt32BE(value >>> 0, this.#length);
    this.#length += 4;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.alloc(2 * (this.#length + size));
    larger.set(this.#bytes);
    scratch = larger;
    this.#bytes = larger;
  }
}

/** How much of the end of two names is the same, in whole labels. 1 is the root alone. */
function sharedSuffix(name: WireName, other: WireName): number {
  const most = Math.min(name.length, other.length);
  let same = 0;
  while (same < most && name.charCodeAt(name.length - 1 - same) === other.charCodeAt(other.length - 1 - same)) same++;
  let at = 0;
  while (name.length - at > same) at += 1 + name.charCodeAt(at);
  const shared = name.length - at;
  // A label may hold any bytes, those of labels too: it must begin one in both.
  let start = 0;
  while (start < other.length - shared) start += 1 + other.charCodeAt(start);
  return start === other.length - shared ? shared : 1;
}

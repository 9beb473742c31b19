import type { ListReader } from './transport.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Where we are: in the list itself, in `items` between two, in one of those. */
type Place = 'around' | 'between' | 'item';

/**
 * Takes a list apart while it comes in: each of its `items` is decoded by itself and told at once, so that memory has to have
 * room for one instead of all. The JSON may be cut anywhere; what is malformed throws, here or when the end is decoded.
 */
export class ListSplitter {
  readonly #reader: ListReader;
  /** What came of the present item, or of what is around the items. */
  #held: Buffer = Buffer.alloc(0);
  #around = '';
  #place: Place = 'around';
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** Where the last text outside of everything but the list began and ended: the name of what comes next. */
  #nameStart = 0;
  #name = '';

  constructor(reader: ListReader) {
    this.#reader = reader;
  }

  push(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let start = 0;
    for (let at = this.#held.length; at < bytes.length; at++) {
      if (this.#place === 'item') {
        at = this.#endOfItem(bytes, at);
        if (at === bytes.length) break;
        this.#reader.onItem(JSON.parse(bytes.toString('utf8', start, at + 1)));
        this.#place = 'between';
      } else if (this.#place === 'between') {
        const byte = bytes[at] ?? 0;
        if (byte === OPEN) {
          this.#place = 'item';
          this.#depth = 1;
          start = at;
        } else if (byte === CLOSE_LIST) {
          this.#place = 'around';
          this.#depth = 1;
          this.#name = '';
          start = at;
        } else if (byte > 0x20 && byte !== COMMA) {
          throw new SyntaxError('Cannot read a list: something in it is no object');
        }
      } else if (this.#opensItems(bytes, at)) {
        this.#around += bytes.toString('utf8', start, at + 1);
        this.#reader.onHead(JSON.parse(`${this.#around}]}`));
        this.#place = 'between';
      }
    }
    if (this.#place === 'between') start = bytes.length;
    this.#held = bytes.subarray(start);
    this.#nameStart -= start;
  }

  /** The list without its items. */
  end(): unknown {
    return JSON.parse(this.#around + this.#held.toString('utf8'));
  }

  /** Nearly all bytes are here: with fields in the place of variables it takes four times as long. */
  #endOfItem(bytes: Buffer, start: number): number {
    let inText = this.#inText;
    let escaped = this.#escaped;
    let depth = this.#depth;
    let at = start;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) inText = true;
      else if (byte === OPEN || byte === OPEN_LIST) depth++;
      else if ((byte === CLOSE || byte === CLOSE_LIST) && --depth === 0) break;
    }
    this.#inText = inText;
    this.#escaped = escaped;
    this.#depth = depth;
    return at;
  }

  #opensItems(bytes: Buffer, at: number): boolean {
    const byte = bytes[at];
    if (this.#inText) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inText = false;
        if (this.#depth === 1) this.#name = bytes.toString('utf8', this.#nameStart + 1, at);
      }
    } else if (byte === QUOTE) {
      this.#inText = true;
      this.#nameStart = at;
    } else if (byte === OPEN || byte === OPEN_LIST) {
      this.#depth++;
      return byte === OPEN_LIST && this.#depth === 2 && this.#name === 'items';
    } else if (byte === CLOSE || byte === CLOSE_LIST) this.#depth--;
    return false;
  }
}

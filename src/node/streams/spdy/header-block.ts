import { constants, createInflate, type Inflate } from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.ts';
import { SpdyError } from './frame.ts';

export type Headers = ReadonlyMap<string, string>;

/** A few header names and numbers: whatever inflates to more than this is an attack. */
const MAX_BLOCK_BYTES = 64 * 1024;

/** Reads header blocks. All blocks of a connection are one zlib stream, so they must come in order, one at a time. */
export class HeaderReader {
  readonly #inflate: Inflate;
  #chunks: Buffer[] = [];
  #size = 0;
  #failure: Error | undefined;
  #settle: (() => void) | undefined;

  constructor() {
    this.#inflate = createInflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size > MAX_BLOCK_BYTES) {
        this.#inflate.destroy(
          new SpdyError('ERR_SPDY_TOO_LARGE', `Cannot read a header block of more than ${MAX_BLOCK_BYTES} bytes`),
        );
      } else this.#chunks.push(chunk);
    });
    this.#inflate.on('error', (error) => {
      this.#failure = error;
      this.#settle?.();
    });
  }

  async read(block: Uint8Array): Promise<Headers> {
    this.#chunks = [];
    this.#size = 0;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      if (this.#failure === undefined) this.#inflate.write(block, () => resolve());
      else resolve();
    });
    if (this.#failure !== undefined) throw this.#failure;
    return parseHeaders(Buffer.concat(this.#chunks));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

/**
 * Writes header blocks into one zlib stream without compressing them: stored blocks (RFC 1951, 3.2.4) need no state, and
 * what a server has to say in headers is nothing.
 */
export class HeaderWriter {
  #started = false;

  write(headers: Headers): Buffer {
    const raw = formatHeaders(headers);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(raw.length, 1);
    head.writeUInt16LE(~raw.length & 0xffff, 3);
    const block = Buffer.concat([this.#started ? Buffer.alloc(0) : ZLIB_HEAD, head, raw, FLUSH]);
    this.#started = true;
    return block;
  }
}

/** Deflate with a window of 32 kB, no dictionary, check bits so that the two bytes divide by 31 (RFC 1950). */
const ZLIB_HEAD = Buffer.from([0x78, 0x01]);

/** An empty stored block: Go's inflater hands out what it has only when it meets one, or wants more input before. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);

function parseHeaders(raw: Buffer): Headers {
  const headers = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > raw.length) throw new SpdyError('ERR_SPDY_PROTOCOL', 'Cannot read a header block: it ends too soon');
    at += 4;
    return raw.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > raw.length)
      throw new SpdyError('ERR_SPDY_PROTOCOL', 'Cannot read a header block: it ends too soon');
    at += length;
    return raw.toString('latin1', at - length, at);
  };
  for (let count = number(); count > 0; count--) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}

function formatHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [word(headers.size)];
  for (const pair of headers) {
    for (const value of pair) parts.push(word(value.length), Buffer.from(value, 'latin1'));
  }
  return Buffer.concat(parts);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export type LogStream = 'stdout' | 'stderr';

/** Lines longer than this are split into partial ones. */
export const MAX_LINE_BYTES: number = 16 * 1024;

const NEWLINE = 10;

/** `2026-01-01T00:00:00.000000000Z`, always with all nine digits. */
export function rfc3339Nano(ms: number): string {
  const nanos = Math.floor((ms % 1000) * 1e6);
  return new Date(ms).toISOString().replace(/\.\d+Z$/, `.${String(nanos).padStart(9, '0')}Z`);
}

/**
 * Cuts what a container writes to one stream into entries of the log format of the container runtime interface:
 * `<time> <stream> F <text>` for a full line, `P` for one whose end is yet to come.
 */
export class LogLines {
  readonly #stream: LogStream;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: LogStream) {
    this.#stream = stream;
  }

  /** The entries that `chunk` completes. */
  push(chunk: Uint8Array, nowMs: number): Buffer {
    let bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const head = Buffer.from(`${rfc3339Nano(nowMs)} ${this.#stream} `);
    const out: Uint8Array[] = [];
    for (;;) {
      const end = bytes.indexOf(NEWLINE);
      const length = end < 0 ? bytes.length : end;
      if (length > MAX_LINE_BYTES) {
        out.push(head, PARTIAL, bytes.subarray(0, MAX_LINE_BYTES), EOL);
        bytes = bytes.subarray(MAX_LINE_BYTES);
        continue;
      }
      if (end < 0) break;
      out.push(head, FULL, bytes.subarray(0, end + 1));
      bytes = bytes.subarray(end + 1);
    }
    this.#rest = Buffer.from(bytes);
    return Buffer.concat(out);
  }

  /** The last line, when the stream ended in the middle of it. */
  end(nowMs: number): Buffer {
    if (this.#rest.length === 0) return this.#rest;
    const head = Buffer.from(`${rfc3339Nano(nowMs)} ${this.#stream} `);
    const entry = Buffer.concat([head, PARTIAL, this.#rest, EOL]);
    this.#rest = Buffer.alloc(0);
    return entry;
  }
}

const FULL = Buffer.from('F ');
const PARTIAL = Buffer.from('P ');
const EOL = Buffer.from('\n');

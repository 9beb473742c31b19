import type { LogOptions } from './log-options.ts';

const SPACE = 32;
const NEWLINE = 10;
const PARTIAL = 80;

/**
 * Turns the lines of a log file, `<time> <stream> <F or P> <text>`, into what a client gets: the text, with the time in
 * front where it is wanted. `P` marks a piece of a line that goes on in the next entry.
 */
export class LogFormatter {
  readonly #options: Pick<LogOptions, 'timestamps' | 'since' | 'stream'>;
  #left: number;
  #lineStart = true;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** True when limitBytes is reached: nothing more will come. */
  get full(): boolean {
    return this.#left <= 0;
  }

  /** `lines` are whole lines of the file. */
  format(lines: Buffer): Buffer {
    const out: Buffer[] = [];
    for (let at = 0; at < lines.length && !this.full;) {
      const newline = lines.indexOf(NEWLINE, at);
      const end = newline < 0 ? lines.length : newline + 1;
      this.#entry(lines.subarray(at, end), out);
      at = end;
    }
    return Buffer.concat(out);
  }

  #entry(line: Buffer, out: Buffer[]): void {
    const time = line.indexOf(SPACE);
    const stream = line.indexOf(SPACE, time + 1);
    const tag = line.indexOf(SPACE, stream + 1);
    // A line that is not of this form is damaged; kubelets leave it out as well.
    if (time < 0 || stream < 0 || tag < 0) return;
    if (this.#options.stream !== undefined && line.toString('latin1', time + 1, stream) !== this.#options.stream)
      return;
    if (this.#options.since !== undefined && line.toString('latin1', 0, time) < this.#options.since) return;
    const partial = line[stream + 1] === PARTIAL;
    if (this.#options.timestamps && this.#lineStart) this.#emit(line.subarray(0, time + 1), out);
    this.#emit(line.subarray(tag + 1, partial ? line.length - 1 : line.length), out);
    this.#lineStart = !partial;
  }

  #emit(bytes: Buffer, out: Buffer[]): void {
    const piece = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    if (piece.length > 0) out.push(piece);
  }
}

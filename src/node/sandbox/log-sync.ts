import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { LogLines, type LogStream } from './log-line.ts';

export interface ContainerLogOptions {
  readonly clock: Clock;
  /** A file that has grown beyond this becomes `<path>.1`, in the place of the one before it. @default 10 MiB */
  readonly maxBytes?: number | undefined;
}

/** The log of one run of a container. Writes are synchronous: what a reader was told of is in the file. */
export class ContainerLog {
  readonly path: string;
  readonly #options: ContainerLogOptions;
  readonly #lines: Readonly<Record<LogStream, LogLines>> = {
    stdout: new LogLines('stdout'),
    stderr: new LogLines('stderr'),
  };
  #fd: number | undefined;
  #size = 0;

  constructor(path: string, options: ContainerLogOptions) {
    this.path = path;
    this.#options = options;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'w', 0o640);
  }

  write(stream: LogStream, chunk: Uint8Array): void {
    this.#append(this.#lines[stream].push(chunk, this.#options.clock.now()));
  }

  close(): void {
    if (this.#fd === undefined) return;
    const now = this.#options.clock.now();
    this.#append(this.#lines.stdout.end(now));
    this.#append(this.#lines.stderr.end(now));
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #append(entries: Buffer): void {
    if (this.#fd === undefined || entries.length === 0) return;
    if (this.#size > 0 && this.#size + entries.length > (this.#options.maxBytes ?? 10 << 20)) this.#rotate(this.#fd);
    // A full disk must not take the agent with it.
    try {
      this.#size += writeSync(this.#fd, entries);
    } catch {
      this.#size += entries.length;
    }
  }

  #rotate(fd: number): void {
    renameSync(this.path, `${this.path}.1`);
    closeSync(fd);
    this.#fd = openSync(this.path, 'w', 0o640);
    this.#size = 0;
  }
}

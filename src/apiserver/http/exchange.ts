import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>>;

/** One request and its answer, the same for HTTP/1.1 and HTTP/2. */
export interface Exchange {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket: TLSSocket | undefined;
  readonly body: Readable;
  /** Aborts when the client has gone before the answer was complete. */
  readonly signal: AbortSignal;
  head(status: number, headers: ReplyHeaders): void;
  /** False when the client reads too slowly; `drained` resolves when it has caught up. */
  write(chunk: string | Uint8Array): boolean;
  drained(): Promise<void>;
  end(chunk?: string | Uint8Array): void;
  /** Cuts the answer off, so that the client sees that it is not complete. */
  destroy(): void;
  readonly started: boolean;
}

/** One header as text; several of one name joined. */
export function header(exchange: Pick<Exchange, 'headers'>, name: string): string | undefined {
  const value = exchange.headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(', ');
}

/** Resolves on `drain`, and also when the stream ends first: the caller then finds its signal aborted. */
export function waitForDrain(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeListener('drain', done);
      stream.removeListener('close', done);
      stream.removeListener('error', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
    stream.on('error', done);
  });
}

import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { waitForDrain, type Exchange, type ReplyHeaders } from './exchange.ts';

export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: ServerHttp2Stream;
  #abort: AbortController | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.method = headers[':method'] ?? 'GET';
    this.url = headers[':path'] ?? '/';
    this.headers = headers;
    this.body = stream;
    // A client that resets its stream is no error of ours.
    stream.on('error', () => {});
  }

  get socket(): TLSSocket | undefined {
    return this.body.session?.socket as TLSSocket | undefined;
  }

  get started(): boolean {
    return this.body.headersSent;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const stream = this.body;
      if (stream.destroyed) abort.abort();
      else stream.once('close', () => !stream.writableFinished && abort.abort());
    }
    return this.#abort.signal;
  }

  head(status: number, headers: ReplyHeaders): void {
    if (this.body.destroyed || this.body.headersSent) return;
    this.body.respond({ ...headers, ':status': status });
  }

  write(chunk: string | Uint8Array): boolean {
    return this.body.destroyed || this.body.write(chunk);
  }

  drained(): Promise<void> {
    return this.body.destroyed ? Promise.resolve() : waitForDrain(this.body);
  }

  end(chunk?: string | Uint8Array): void {
    if (this.body.destroyed) return;
    if (chunk === undefined || this.method === 'HEAD') this.body.end();
    else this.body.end(chunk);
  }

  destroy(): void {
    this.body.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { waitForDrain, type Exchange, type ReplyHeaders } from './exchange.ts';

export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
  readonly #response: ServerResponse;
  #abort: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? 'GET';
    this.url = request.url ?? '/';
    this.headers = request.headers;
    this.body = request;
    this.#response = response;
    // A client that goes away in the middle is no error of ours.
    response.on('error', () => {});
    request.on('error', () => {});
  }

  get socket(): TLSSocket | undefined {
    return this.body.socket as TLSSocket;
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const response = this.#response;
      if (response.destroyed) abort.abort();
      else response.once('close', () => !response.writableFinished && abort.abort());
    }
    return this.#abort.signal;
  }

  head(status: number, headers: ReplyHeaders): void {
    this.#response.writeHead(status, headers as Record<string, string | string[]>);
    if (headers['content-length'] === undefined) this.#response.flushHeaders();
  }

  write(chunk: string | Uint8Array): boolean {
    return this.#response.write(chunk);
  }

  drained(): Promise<void> {
    return waitForDrain(this.#response);
  }

  end(chunk?: string | Uint8Array): void {
    this.#response.end(this.method === 'HEAD' ? undefined : chunk);
  }

  destroy(): void {
    this.#response.destroy();
  }
}

import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import type { TestAuthority, TestCertificate } from './test-authority.ts';

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface WireRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface OpenAnswer {
  readonly status: number;
  readonly headers: WireAnswer['headers'];
  readonly body: Readable;
}

/** Sends requests to a listening server over HTTP/1.1 or HTTP/2, with a client certificate or without. */
export abstract class TestClient implements AsyncDisposable {
  /** Resolves with the head of the answer. */
  abstract open(request: WireRequest): Promise<OpenAnswer>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  async send(request: WireRequest): Promise<WireAnswer> {
    const { status, headers, body } = await this.open(request);
    return { status, headers, text: await readText(body) };
  }
}

export interface ClientOptions {
  readonly port: number;
  readonly authority: TestAuthority;
  readonly certificate?: TestCertificate | undefined;
}

export class Http1Client extends TestClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
  }

  override async open({ method = 'GET', path, headers = {}, body }: WireRequest): Promise<OpenAnswer> {
    const { port, authority, certificate } = this.#options;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const at = { host: '127.0.0.1', port, path, method, headers };
      const request = httpsRequest({ ...at, ca: authority.cert, agent: false, ...certificate });
      request.on('response', resolve);
      request.on('error', reject);
      request.end(body);
    });
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  }

  override async [Symbol.asyncDispose](): Promise<void> {}
}

export class Http2Client extends TestClient {
  readonly session: ClientHttp2Session;

  constructor({ port, authority, certificate }: ClientOptions) {
    super();
    this.session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...certificate });
    this.session.on('error', () => {});
  }

  override async open({ method = 'GET', path, headers = {}, body }: WireRequest): Promise<OpenAnswer> {
    const all = { ':method': method, ':path': path, ...headers };
    const stream = this.session.request(all, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    const answer = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.on('response', resolve);
      stream.on('error', reject);
    });
    return { status: Number(answer[':status']), headers: answer, body: stream };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
  }
}

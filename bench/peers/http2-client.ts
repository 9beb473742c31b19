import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';

/** Where a server is, and who asks. */
export interface Access {
  readonly port: number;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/** A client of little weight, so that what is measured is the server: a few connections, many requests on each. */
export class BenchClient implements Disposable {
  readonly #sessions: readonly ClientHttp2Session[];
  readonly #headers: OutgoingHttpHeaders;
  #next = 0;

  constructor({ port, cert, key, token }: Access, connections: number) {
    const options = { rejectUnauthorized: false, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
    this.#sessions = Array.from({ length: connections }, () => {
      const session = connect(`https://127.0.0.1:${port}`, options);
      // What was asked on it fails with it, and says so.
      session.on('error', () => {});
      return session;
    });
    this.#headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  stream(method: string, path: string, more: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    const session = this.#sessions[this.#next++ % this.#sessions.length];
    if (session === undefined) throw new RangeError('Cannot ask without a connection');
    return session.request(
      { ':method': method, ':path': path, ...this.#headers, ...more },
      { endStream: method === 'GET' },
    );
  }

  ask(method: string, path: string, body?: unknown, more: OutgoingHttpHeaders = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const stream = this.stream(method, path, more);
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
      stream.on('error', reject);
      if (method !== 'GET') stream.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session.destroy();
  }
}

import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { once } from 'node:events';
import { TestAuthority } from './test-authority.ts';

export interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly object: { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } } | null;
    readonly [field: string]: unknown;
  };
}

/** What a webhook answers: the fields of its response, or a whole answer of its own. */
export type Reply = (review: Review, response: ServerResponse) => object | undefined;

/** A webhook that listens on the loopback, with a certificate of its own authority. */
export class WebhookServer implements AsyncDisposable {
  readonly caBundle: string;
  readonly port: number;
  /** What it was asked, in that order; the path first. */
  readonly asked: { readonly path: string; readonly review: Review }[] = [];
  readonly #server: Server;
  readonly #replies = new Map<string, Reply>();

  private constructor(server: Server, authority: TestAuthority) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.caBundle = Buffer.from(authority.cert).toString('base64');
    server.on('request', async (request, response) => {
      const review = (await json(request)) as Review;
      const path = request.url ?? '';
      this.asked.push({ path, review });
      const reply = this.#replies.get(path.replace(/\?.*/, ''))?.(review, response);
      if (reply === undefined) return;
      const {
        apiVersion,
        kind,
        request: { uid },
      } = review;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion, kind, response: { uid, ...reply } }));
    });
  }

  static async start(): Promise<WebhookServer> {
    const authority = await TestAuthority.create();
    const server = createServer(await authority.issue('CN=webhook', 's.default.svc'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WebhookServer(server, authority);
  }

  /** `undefined` from `reply` means that it answers by itself, or never. */
  on(path: string, reply: Reply): void {
    this.#replies.set(path, reply);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

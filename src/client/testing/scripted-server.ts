import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import type { KubeObject, WatchEvent } from '#api/object.ts';

export interface ScriptedRequest {
  /** `list services`, `watch services 7`, for pages `list services limit=500 continue=x`; `post events`. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface Listed {
  readonly version: string;
  readonly items: readonly KubeObject[];
}

/** An API server over real HTTP, or HTTPS, that says just what it is told to, true or not. */
export class ScriptedServer implements AsyncDisposable {
  /** Lines of all requests until now. */
  readonly requests: string[] = [];
  /** Asked first; without an answer of its own the server lists, and keeps watches open. `hang` says nothing at all. */
  intercept: ((request: ScriptedRequest) => ScriptedAnswer | 'hang' | undefined) | undefined;
  readonly #lists = new Map<string, Listed>();
  readonly #watches = new Map<string, Set<ServerResponse>>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(tls: ServerOptions | undefined) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response);
    this.#server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(
    listen: ListenOptions | { readonly fd: number } = { host: '127.0.0.1', port: 0 },
    tls?: ServerOptions,
  ): Promise<ScriptedServer> {
    const server = new ScriptedServer(tls);
    server.#server.listen(listen);
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections have these; those that are open stay. */
  setTls(tls: ServerOptions): void {
    if ('setSecureContext' in this.#server) (this.#server.setSecureContext as (options: ServerOptions) => void)(tls);
  }

  /** What is listed from here on. */
  list(resource: string, version: string, ...items: readonly KubeObject[]): void {
    this.#lists.set(resource, { version, items });
  }

  /** How many watches are open. */
  watches(resource: string): number {
    return this.#watches.get(resource)?.size ?? 0;
  }

  send(resource: string, ...events: readonly WatchEvent[]): void {
    this.sendText(resource, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  sendText(resource: string, text: string): void {
    for (const response of this.#watches.get(resource) ?? []) response.write(text);
  }

  /** Ends its watches, as a server does when their time is up. */
  end(resource: string): void {
    for (const response of this.#watches.get(resource) ?? []) response.end();
  }

  /** Cuts their connections. */
  cut(resource: string): void {
    for (const response of this.#watches.get(resource) ?? []) response.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    const closed = once(this.#server, 'close');
    // `closeAllConnections` knows none that is still shaking hands, which would be served afterwards.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://server');
    const resource = url.pathname.split('/').at(-1) ?? '';
    const isWatch = url.searchParams.get('watch') === 'true';
    const line = lineOf(request.method, resource, url);
    this.requests.push(line);
    const scripted = this.intercept?.({ line, headers: request.headers });
    if (scripted === 'hang') return;
    if (scripted !== undefined) return answerWith(response, scripted);
    if (isWatch) return this.#watch(resource, response);
    const { version, items } = this.#lists.get(resource) ?? { version: '1', items: [] };
    answerWith(response, { status: 200, body: { kind: 'List', metadata: { resourceVersion: version }, items } });
  }

  #watch(resource: string, response: ServerResponse): void {
    const open = this.#watches.get(resource) ?? new Set();
    this.#watches.set(resource, open.add(response));
    response.on('close', () => open.delete(response));
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
  }
}

function lineOf(method: string | undefined, resource: string, url: URL): string {
  if (method !== 'GET') return `${method?.toLowerCase()} ${resource}`;
  const isWatch = url.searchParams.get('watch') === 'true';
  return isWatch ? `watch ${resource} ${url.searchParams.get('resourceVersion')}` : `list ${resource}${pageText(url)}`;
}

function pageText({ searchParams }: URL): string {
  return ['limit', 'continue']
    .map((name) => (searchParams.has(name) ? ` ${name}=${searchParams.get(name)}` : ''))
    .join('');
}

function answerWith(response: ServerResponse, { status, headers, body }: ScriptedAnswer): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'Content-Type': isText ? 'text/plain' : 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body ?? {}));
}

import type { IncomingMessage, Server as Http1Server } from 'node:http';
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTls, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { http } from '#base/http.ts';
import type { Clock } from '#base/clock.ts';
import type { Exchange } from './exchange.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { Http2Exchange } from './http2-exchange.ts';

export interface HttpServerOptions {
  readonly tls: { readonly cert: string; readonly key: string };
  /** PEM of the authority whose client certificates are asked for. */
  readonly clientCa: string;
  readonly clock: Clock;
  readonly handle: (exchange: Exchange) => Promise<void>;
  readonly upgrade: (request: IncomingMessage, socket: TLSSocket, head: Buffer) => Promise<void>;
}

export type ListenAt = { readonly fd: number } | { readonly host: string; readonly port: number };

/** How long `close` lets running requests go on, ms. */
const CLOSE_GRACE_MS = 1_000;

/**
 * One TLS listener that speaks HTTP/2 and HTTP/1.1. The protocol servers behind it never listen: each gets the sockets
 * that chose it by ALPN, so HTTP/2 runs on the stream API without the compatibility layer and HTTP/1.1 keeps upgrades.
 */
export class HttpServer {
  readonly #clock: Clock;
  readonly #tls: TlsServer;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();

  constructor(options: HttpServerOptions) {
    this.#clock = options.clock;
    this.#http1 = http.createServer({ keepAliveTimeout: 90_000, headersTimeout: 30_000, requestTimeout: 60_000 });
    this.#http1.on('request', (request, response) => void options.handle(new Http1Exchange(request, response)));
    this.#http1.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      void options.upgrade(request, socket as TLSSocket, head);
    });
    // It never listens, and it is on listening that Node starts to count connections and their time-outs.
    this.#http1.emit('listening');
    this.#http2 = createHttp2({ settings: { maxConcurrentStreams: 1_000, enableConnectProtocol: false } });
    this.#http2.on('session', (session) => this.#track(session));
    this.#http2.on('stream', (stream, headers) => void options.handle(new Http2Exchange(stream, headers)));
    this.#http2.on('sessionError', () => {});
    this.#tls = createTls({
      ...options.tls,
      ca: options.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    this.#tls.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#tls.on('secureConnection', (socket) => this.#accept(socket));
    // Clients that do not trust the certificate hang up here; it is theirs to report.
    this.#tls.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  async listen(at: ListenAt): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#tls.once('error', reject);
    this.#tls.listen({ ...at, backlog: 1_024 }, resolve);
    await promise;
    this.#tls.removeListener('error', reject);
    return this.#tls.address() as AddressInfo;
  }

  /** No new connections; running requests get a moment to end, then every socket is cut. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#tls.close(() => resolve());
    });
    this.#http1.closeIdleConnections();
    for (const session of this.#sessions) session.close();
    const timer = this.#clock.after(CLOSE_GRACE_MS, () => this.#cut());
    await closed;
    timer[Symbol.dispose]();
    this.#http1.close();
    this.#http2.close();
  }

  #accept(socket: TLSSocket): void {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol === 'h2') this.#http2.emit('connection', socket);
    else this.#http1.emit('connection', socket);
  }

  #track(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', () => session.destroy());
  }

  #cut(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

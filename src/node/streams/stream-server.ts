import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { http } from '#base/http.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Pod } from '#api/generated/types.ts';
import { type Log, silentLog } from '#base/log.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';
import { CHANNEL_PROTOCOLS, ChannelSocket } from './channel-socket.ts';
import { containerLog, noPrevious, StreamRefusal } from './container-log.ts';
import type { StatsSummary } from '../stats/stats-summary.ts';
import { parseLogOptions } from './log-options.ts';
import { nodePage } from './node-page.ts';
import { portDialer, servePortForward } from './port-forward.ts';
import { relayAttach, relayExec } from './session-relay.ts';
import { acceptSpdySession, PORT_FORWARD_PROTOCOL, refuse, spdyProtocol, switchToSpdy } from './spdy-upgrade.ts';
import { type LogRequest, parseStreamRequest, type StreamRequest } from './stream-request.ts';
import { serveChannelPortForward } from './websocket-port-forward.ts';
import { LOG_PROTOCOLS, sendLog } from './websocket-log.ts';
import { WebSocketSession } from './websocket-session.ts';

/** Port-forward in a WebSocket: the messages are a byte stream that SPDY runs on. */
const TUNNEL_PROTOCOL = `SPDY/3.1+${PORT_FORWARD_PROTOCOL}`;

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

export interface StreamServerOptions {
  readonly runtime: Runtime;
  /** What a node uses, by its name, which is the host that requests are for. */
  readonly stats?: ((nodeName: string) => StatsSummary | undefined) | undefined;
  readonly pods?: ((nodeName: string) => readonly Pod[] | undefined) | undefined;
  readonly clock?: Clock | undefined;
  readonly log?: Log | undefined;
}

/**
 * The node's own HTTP server: logs, exec, attach and port-forward of its Pods, on the paths that a kubelet has. The API
 * server passes connections on byte for byte, so the other end of every upgrade here is kubectl.
 */
export class StreamServer implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #stats: NonNullable<StreamServerOptions['stats']>;
  readonly #pods: NonNullable<StreamServerOptions['pods']>;
  readonly #clock: Clock;
  readonly #journal: Log;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #connections = new Set<Duplex>();
  readonly #chosen = new WeakMap<IncomingMessage, string>();

  constructor(options: StreamServerOptions) {
    this.#runtime = options.runtime;
    this.#stats = options.stats ?? (() => undefined);
    this.#pods = options.pods ?? (() => undefined);
    this.#clock = options.clock ?? systemClock;
    this.#journal = options.log ?? silentLog;
    this.#http = http.createServer((request, response) => void this.#answer(request, response));
    this.#http.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#http.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      void this.#upgrade(request, socket, head);
    });
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (_offered, request) => this.#chosen.get(request) ?? false,
    });
  }

  /** Listens on a unix socket. */
  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(path, resolve);
    });
  }

  /** Cuts every stream. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = new AbortController();
    response.once('close', () => abort.abort());
    try {
      const { host = '' } = request.headers;
      const sources = { nodeName: host, summary: () => this.#stats(host), pods: () => this.#pods(host) };
      const page = nodePage(request.url ?? '', sources);
      if (page !== undefined) {
        response.writeHead(200, { 'Content-Type': page.contentType }).end(page.body);
        return;
      }
      const wanted = parseStreamRequest(request.url ?? '');
      if (wanted === undefined) throw new StreamRefusal(404, 'the server could not find the requested resource');
      if (wanted.kind !== 'log') throw new StreamRefusal(400, 'Upgrade request required');
      const chunks = this.#log(wanted, this.#find(wanted), abort.signal);
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.flushHeaders();
      for await (const bytes of chunks) {
        if (response.write(bytes)) continue;
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
        if (abort.signal.aborted) break;
      }
      response.end();
    } catch (error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(statusOf(error), { 'Content-Type': 'text/plain' }).end(errorMessage(error));
    }
  }

  /** Throws at once where there is nothing to read. */
  #log(wanted: LogRequest, handle: ContainerHandle, signal: AbortSignal): AsyncIterable<Buffer> {
    const options = parseLogOptions(wanted.query, this.#clock);
    if (options.previous && handle.previousLogPath === undefined) throw noPrevious(handle);
    return containerLog(this.#runtime, handle, options, signal);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const wanted = parseStreamRequest(request.url ?? '');
      const isWebSocket = (request.headers.upgrade ?? '').toLowerCase() === 'websocket';
      if (wanted === undefined || (wanted.kind === 'log' && !isWebSocket)) {
        throw new StreamRefusal(404, 'the server could not find the requested resource');
      }
      const handle = this.#find(wanted);
      if (isWebSocket) this.#upgradeWebSocket(request, socket, head, wanted, handle);
      else await this.#upgradeSpdy(request, socket, head, wanted, handle);
    } catch (error) {
      if (!(error instanceof StreamRefusal))
        this.#journal.warn('stream failed', { url: request.url, error: errorMessage(error) });
      refuse(socket, statusOf(error), errorMessage(error));
    }
  }

  #upgradeWebSocket(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    wanted: StreamRequest,
    handle: ContainerHandle,
  ): void {
    const header = request.headers['sec-websocket-protocol'];
    const offered = (header ?? '').split(',').map((name) => name.trim());
    const protocol = header === undefined ? '' : protocolFor(new Set(offered), wanted);
    if (protocol === undefined) {
      throw new StreamRefusal(400, `unable to upgrade: none of the subprotocols [${offered.join(' ')}] is supported`);
    }
    const abort = new AbortController();
    const chunks = wanted.kind === 'log' ? this.#log(wanted, handle, abort.signal) : undefined;
    this.#chosen.set(request, protocol);
    // The slash in the name of the tunnel is not allowed there, and the library would refuse it.
    if (header !== undefined) request.headers['sec-websocket-protocol'] = 'chosen';
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.once('close', () => abort.abort());
      if (chunks === undefined) void this.#serveWebSocket(webSocket, wanted, handle);
      // Whoever cuts a log short has read enough of it.
      else sendLog(webSocket, chunks).catch(() => webSocket.terminate());
    });
  }

  async #serveWebSocket(webSocket: WebSocket, wanted: StreamRequest, handle: ContainerHandle): Promise<void> {
    if (wanted.kind === 'portForward') {
      const dial = portDialer(this.#runtime, handle);
      if (webSocket.protocol === TUNNEL_PROTOCOL) {
        await servePortForward(createWebSocketStream(webSocket), handle.pod, dial);
      } else serveChannelPortForward(new ChannelSocket(webSocket), wanted.ports, handle.pod, dial);
    } else if (wanted.kind === 'exec') {
      await relayExec(
        this.#runtime,
        handle,
        wanted,
        new WebSocketSession(new ChannelSocket(webSocket), wanted),
        this.#clock,
      );
    } else if (wanted.kind === 'attach') {
      await relayAttach(this.#runtime, handle, new WebSocketSession(new ChannelSocket(webSocket), wanted));
    }
  }

  async #upgradeSpdy(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    wanted: StreamRequest,
    handle: ContainerHandle,
  ): Promise<void> {
    const protocol = spdyProtocol(request, wanted.kind);
    switchToSpdy(socket, head, protocol);
    if (wanted.kind === 'portForward') {
      await servePortForward(socket, handle.pod, portDialer(this.#runtime, handle));
      return;
    }
    if (wanted.kind === 'log') return;
    const session = await acceptSpdySession(socket, wanted, this.#clock);
    if (session === undefined) return;
    if (wanted.kind === 'exec') await relayExec(this.#runtime, handle, wanted, session, this.#clock);
    else await relayAttach(this.#runtime, handle, session);
  }

  #find(wanted: StreamRequest): ContainerHandle {
    const { namespace, pod } = wanted;
    const container = wanted.kind === 'portForward' ? undefined : wanted.container;
    const handle = this.#runtime.find({ namespace, pod, container });
    const stopped = handle?.running === false && (wanted.kind === 'exec' || wanted.kind === 'attach');
    if (handle !== undefined && !stopped) return handle;
    if (wanted.kind === 'log') {
      const names = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)}`;
      throw new StreamRefusal(400, `${names} is waiting to start: ContainerCreating`);
    }
    throw new StreamRefusal(
      404,
      container === undefined
        ? `pod not found (${JSON.stringify(`${pod}_${namespace}`)})`
        : `container not found (${JSON.stringify(container)})`,
    );
  }
}

function protocolFor(offered: ReadonlySet<string>, { kind }: StreamRequest): string | undefined {
  const channels = kind === 'portForward' ? [TUNNEL_PROTOCOL, ...CHANNEL_PROTOCOLS] : CHANNEL_PROTOCOLS;
  const known = kind === 'log' ? LOG_PROTOCOLS : channels;
  return known.find((protocol) => offered.has(protocol));
}

function statusOf(error: unknown): number {
  if (error instanceof StreamRefusal) return error.httpStatus;
  return error instanceof RangeError ? 400 : 500;
}

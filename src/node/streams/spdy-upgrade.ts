import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { http } from '#base/http.ts';
import type { Clock } from '#base/clock.ts';
import { StreamRefusal } from './container-log.ts';
import type { StdioRequest } from './remote-session.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';
import { expectedStreams, SpdySession } from './spdy-session.ts';

export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';
const REMOTE_COMMAND_PROTOCOL = 'v4.channel.k8s.io';

/** A client that has asked for streams must open them within this. */
const OPEN_WITHIN_MS = 30_000;

/** The protocol to speak inside SPDY; throws `StreamRefusal` when the client offers none of ours. */
export function spdyProtocol(request: IncomingMessage, kind: string): string {
  if ((request.headers.upgrade ?? '').toUpperCase() !== 'SPDY/3.1') {
    throw new StreamRefusal(
      400,
      `unable to upgrade: "${request.headers.upgrade ?? ''}" is neither websocket nor SPDY/3.1`,
    );
  }
  const offered = (request.headersDistinct['x-stream-protocol-version'] ?? [])
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());
  const ours = kind === 'portForward' ? PORT_FORWARD_PROTOCOL : REMOTE_COMMAND_PROTOCOL;
  // Clients from before there were names for it offer none and speak this one.
  if (kind === 'portForward' && offered.length === 0) return ours;
  if (offered.includes(ours)) return ours;
  throw new StreamRefusal(400, `unable to upgrade: the client supports [${offered.join(' ')}], the server [${ours}]`);
}

/** Answers the upgrade; from here on the socket carries SPDY frames. */
export function switchToSpdy(socket: Duplex, head: Buffer, protocol: string): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
}

/** Waits until the client has opened all streams of its request; undefined when it leaves before. */
export async function acceptSpdySession(
  socket: Duplex,
  wanted: StdioRequest,
  clock: Clock,
): Promise<SpdySession | undefined> {
  const missing = new Set<string>(expectedStreams(wanted));
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<boolean>();
  const connection = new SpdyConnection(socket, (stream) => {
    const type = stream.headers.get('streamtype') ?? '';
    if (!missing.delete(type)) {
      stream.destroy();
      return;
    }
    streams.set(type, stream);
    if (missing.size === 0) complete.resolve(true);
  });
  using timer = clock.after(OPEN_WITHIN_MS, () => connection.destroy());
  void timer;
  const opened = await Promise.race([complete.promise, connection.closed.then(() => false)]);
  return opened ? new SpdySession(connection, streams, clock) : undefined;
}

/** Says no on a connection that asked for an upgrade. */
export function refuse(socket: Duplex, status: number, message: string): void {
  if (!socket.writable) return;
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Error'}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Connection: close\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  );
}

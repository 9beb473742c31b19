import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { type Log } from '#base/log.ts';
import { type Resolve } from './resolver.ts';
import { type IpFamily } from '#base/ip.ts';
import { literal } from './upstream-socket.ts';

export interface DnsServerOptions {
  readonly resolve: Resolve;
  /** A bound UDP socket and a listening TCP socket, or an address to bind both to; an empty one is all addresses. */
  readonly listen:
    | {
        readonly udpFd: number;
        readonly tcpFd: number;
        /** Of the UDP socket. @default 4 */ readonly family?: IpFamily;
      }
    | { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly log: Log;
}

export interface DnsServer {
  readonly ready: Promise<void>;
  close(): void;
}

/** A TCP connection that says nothing for so long is closed (RFC 7766 6.2.3). */
const IDLE_MS = 10_000;
const MAX_CONNECTIONS = 4096;
/** Of one connection at a time; more wait in the kernel. */
const MAX_PIPELINED = 64;

export function startDnsServer(options: DnsServerOptions): DnsServer {
  const { listen } = options;
  const host = 'host' in listen ? (listen.host === '' ? everywhere() : listen.host) : '';
  const isIpv6 = 'host' in listen ? host.includes(':') : listen.family === 6;
  const udp = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', lookup: literal });
  const tcp = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => serveConnection(socket, options));
  tcp.maxConnections = MAX_CONNECTIONS;
  const ready = Promise.all([listening(udp), listening(tcp)]).then(() => {
    udp.on('error', (error) => options.log.warn('udp socket failed', { error: error.message }));
    tcp.on('error', (error) => options.log.warn('tcp socket failed', { error: error.message }));
  });
  udp.on('message', (bytes, peer) => {
    const send = (answer: Uint8Array | undefined): void => {
      // The client may have gone; its retry is a new query.
      if (answer !== undefined) udp.send(answer, peer.port, peer.address, () => {});
    };
    respond(options, bytes, 'udp', peer.address, send);
  });
  if ('udpFd' in listen) {
    udp.bind({ fd: listen.udpFd });
    tcp.listen({ fd: listen.tcpFd });
  } else {
    udp.bind(listen.port, host);
    tcp.listen(listen.port, host);
  }
  return {
    ready,
    close() {
      udp.close();
      tcp.close();
    },
  };
}

/** All addresses of both families, where the kernel has both. */
function everywhere(): string {
  return existsSync('/proc/net/if_inet6') ? '::' : '0.0.0.0';
}

function listening(socket: UdpSocket | Server): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('listening', () => {
      socket.removeListener('error', reject);
      resolve();
    });
    socket.once('error', reject);
  });
}

/** Answers from memory go out in the same turn; only forwarded ones wait. */
function respond(
  { resolve, log }: DnsServerOptions,
  bytes: Buffer,
  transport: 'udp' | 'tcp',
  client: string | undefined,
  send: (answer: Uint8Array | undefined) => void,
): void {
  const failed = (error: unknown): void => {
    log.warn('query failed', { error: errorMessage(error) });
    send(undefined);
  };
  try {
    const answer = resolve(bytes, transport, client);
    if (answer instanceof Promise) answer.then(send, failed);
    else send(answer);
  } catch (error) {
    failed(error);
  }
}

function serveConnection(socket: Socket, options: DnsServerOptions): void {
  let received: Buffer = Buffer.alloc(0);
  let pending = 0;
  let ended = false;
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  const drain = (): void => {
    while (received.length >= 2 && pending < MAX_PIPELINED) {
      const length = received.readUInt16BE(0);
      if (received.length < length + 2) return;
      const bytes = received.subarray(2, length + 2);
      received = received.subarray(length + 2);
      pending++;
      respond(options, bytes, 'tcp', socket.remoteAddress, (answer) => {
        pending--;
        if (answer !== undefined && socket.writable) socket.write(framed(answer));
        if (pending === MAX_PIPELINED - 1) socket.resume();
        if (ended && pending === 0) socket.end();
      });
    }
    if (pending >= MAX_PIPELINED) socket.pause();
  };
  socket.on('resume', drain);
  // Who asks no more may still wait for answers.
  socket.on('end', () => {
    ended = true;
    if (pending === 0) socket.end();
  });
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    drain();
  });
}

/** RFC 1035 4.2.2: two bytes of length before each message. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(message.length + 2);
  frame.writeUInt16BE(message.length);
  frame.set(message, 2);
  return frame;
}

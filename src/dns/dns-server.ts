import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { Resolve } from './resolver.ts';
import { TcpConnection } from './tcp-connection.ts';
import { openUdpSocket, serveBatches } from './udp-batch-socket.ts';

export interface DnsServerOptions {
  readonly resolve: Resolve;
  /** A bound UDP socket and a listening TCP socket, or an address to bind both to; an empty one is all addresses. */
  readonly listen:
    | { readonly udpFd: number; readonly tcpFd: number }
    | { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly log: Log;
}

export interface DnsServer {
  readonly ready: Promise<void>;
  close(): void;
}

const MAX_CONNECTIONS = 4096;

export function startDnsServer(options: DnsServerOptions): DnsServer {
  const { listen, log } = options;
  const tcp = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    void new TcpConnection(socket, options.clock, (bytes, client, send) =>
      respond(options, bytes, 'tcp', client, send),
    );
  });
  tcp.maxConnections = MAX_CONNECTIONS;
  let udp: Disposable | undefined;
  const ready = (async () => {
    const udpFd = 'udpFd' in listen ? listen.udpFd : openUdpSocket(hostOf(listen.host), listen.port);
    udp = serveBatches(udpFd, (bytes, client, send) =>
      respond(options, bytes, 'udp', client, (answer) => {
        if (answer !== undefined) send(answer);
      }),
    );
    if ('tcpFd' in listen) tcp.listen({ fd: listen.tcpFd });
    else tcp.listen(listen.port, hostOf(listen.host));
    await once(tcp, 'listening');
    tcp.on('error', (error) => log.warn('tcp socket failed', { error: error.message }));
  })();
  return {
    ready,
    close() {
      udp?.[Symbol.dispose]();
      tcp.close();
    },
  };
}

/** An empty one is all addresses of both families, where the kernel has both. */
function hostOf(host: string): string {
  if (host !== '') return host === 'localhost' ? '127.0.0.1' : host;
  return existsSync('/proc/net/if_inet6') ? '::' : '0.0.0.0';
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

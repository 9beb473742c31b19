import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock } from '#base/clock.ts';
import type { Ip } from '#base/ip.ts';
import { parseIp } from '#base/ip.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';

/** As long as the kernel keeps an answered UDP flow (nf_conntrack_udp_timeout_stream). */
const IDLE_MS = 120_000;
/** Each takes a descriptor and a port of the node. The one that was silent for the longest time makes room. */
const MAX_FLOWS = 1024;

export interface UdpRelayOptions {
  readonly netFd: number;
  readonly clock: Clock;
  readonly address: Ip;
  readonly port: number;
  readonly target: { readonly host: string; readonly port: number };
}

interface Flow {
  readonly socket: Socket;
  usedAt: number;
}

/** Passes datagrams on to a Pod, and its answers back to who asked: a socket for each client. Throws when it is taken. */
export class UdpRelay implements Disposable {
  readonly #options: UdpRelayOptions;
  readonly #socket: Socket;
  readonly #flows = new Map<string, Flow>();
  #sweep: Disposable | undefined;

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    const { netFd, address, port } = options;
    this.#socket = adopt(
      inNetns(netFd, () => openListenSocket({ protocol: 'udp', address, port }).fd),
      address,
    );
    this.#socket.on('message', (message, from) => this.#forward(message, from));
  }

  [Symbol.dispose](): void {
    this.#sweep?.[Symbol.dispose]();
    for (const { socket } of this.#flows.values()) socket.close();
    this.#flows.clear();
    this.#socket.close();
  }

  #forward(message: Buffer, from: RemoteInfo): void {
    const { target, clock } = this.#options;
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#open(key, from);
    // The first is then the one that was silent for the longest time.
    this.#flows.delete(key);
    this.#flows.set(key, flow);
    flow.usedAt = clock.now();
    flow.socket.send(message, target.port, target.host);
  }

  #open(key: string, from: RemoteInfo): Flow {
    const { netFd, target, clock } = this.#options;
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= MAX_FLOWS && oldest !== undefined) this.#close(oldest);
    const any = parseIp(target.host.includes(':') ? '::' : '0.0.0.0');
    if (any === undefined) throw new RangeError(`Cannot relay to ${target.host}`);
    const socket = adopt(
      inNetns(netFd, () => openListenSocket({ protocol: 'udp', address: any, port: 0 }).fd),
      any,
    );
    const flow = { socket, usedAt: clock.now() };
    socket.on('message', (answer) => {
      flow.usedAt = clock.now();
      this.#socket.send(answer, from.port, from.address);
    });
    this.#flows.set(key, flow);
    this.#sweep ??= clock.after(IDLE_MS, () => this.#closeIdle());
    return flow;
  }

  #closeIdle(): void {
    const { clock } = this.#options;
    for (const [key, { usedAt }] of this.#flows) if (clock.now() - usedAt >= IDLE_MS) this.#close(key);
    this.#sweep = this.#flows.size === 0 ? undefined : clock.after(IDLE_MS, () => this.#closeIdle());
  }

  #close(key: string): void {
    this.#flows.get(key)?.socket.close();
    this.#flows.delete(key);
  }
}

function adopt(fd: number, { family }: Ip): Socket {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  // A Pod that does not listen is no error of the node's.
  socket.on('error', () => {});
  // Before the handler of the loop is there nothing may come.
  socket.once('listening', () => {});
  socket.bind({ fd });
  return socket;
}

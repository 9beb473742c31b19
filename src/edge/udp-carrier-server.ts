import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '#base/clock.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Target } from './host-port.ts';

/** One open port of the host. */
export interface Carrier {
  /** Where new connections go. */
  aim(targets: readonly Target[]): void;
  close(): void;
}

/** As the kernel forgets a UDP flow that had answers (nf_conntrack_udp_timeout_stream). */
const IDLE_MS = 120_000;
const SWEEP_MS = 10_000;
/** A flow is a socket. */
const MAX_FLOWS = 4096;

interface Flow {
  readonly socket: dgram.Socket;
  /** What came before the socket was connected. */
  waiting: Buffer[] | undefined;
  usedAt: number;
}

/** Carries datagrams: each client has a socket of its own on the inside, so that answers find their way. */
export class UdpCarrier implements Carrier {
  #targets: readonly Target[];
  readonly #clock: Clock;
  #outer: dgram.Socket | undefined;
  /** By the client's address and port, the longest unused first. */
  readonly #flows = new Map<string, Flow>();
  #sweep: Disposable | undefined;
  #turn = 0;

  constructor(targets: readonly Target[], clock: Clock) {
    this.#targets = targets;
    this.#clock = clock;
  }

  /** Takes a bound socket over. */
  open(fd: number, family: IpFamily, onError: (error: Error) => void): void {
    const outer = dgram.createSocket(family === 4 ? 'udp4' : 'udp6');
    this.#outer = outer;
    outer.on('error', onError);
    outer.on('message', (data, from) => this.#carry(data, from));
    outer.bind({ fd });
  }

  /** Flows that lead to targets which are none any more start anew. */
  aim(targets: readonly Target[]): void {
    this.#targets = targets;
    for (const key of this.#flows.keys()) this.#end(key);
  }

  close(): void {
    this.#sweep?.[Symbol.dispose]();
    for (const key of this.#flows.keys()) this.#end(key);
    this.#outer?.close();
  }

  #carry(data: Buffer, from: dgram.RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#begin(from);
    if (flow === undefined) return;
    flow.usedAt = this.#clock.monotonic();
    this.#flows.delete(key);
    this.#flows.set(key, flow);
    if (flow.waiting === undefined) flow.socket.send(data, () => {});
    else flow.waiting.push(data);
  }

  #begin(from: dgram.RemoteInfo): Flow | undefined {
    const target = this.#targets[this.#turn++ % Math.max(1, this.#targets.length)];
    if (target === undefined) return undefined;
    const key = `${from.address} ${from.port}`;
    const [oldest] = this.#flows.keys();
    if (this.#flows.size >= MAX_FLOWS && oldest !== undefined) this.#end(oldest);
    const socket = dgram.createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    const flow: Flow = { socket, waiting: [], usedAt: 0 };
    // Nobody listens there: the next datagram tries again.
    socket.on('error', () => this.#end(key));
    socket.on('message', (answer) => {
      flow.usedAt = this.#clock.monotonic();
      this.#outer?.send(answer, from.port, from.address, () => {});
    });
    socket.once('connect', () => {
      for (const data of flow.waiting ?? []) socket.send(data, () => {});
      flow.waiting = undefined;
    });
    socket.connect(target.port, target.address);
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => this.#forgetIdle());
    return flow;
  }

  #end(key: string): void {
    const flow = this.#flows.get(key);
    this.#flows.delete(key);
    flow?.socket.close();
  }

  #forgetIdle(): void {
    const now = this.#clock.monotonic();
    for (const [key, { usedAt }] of this.#flows) if (now - usedAt > IDLE_MS) this.#end(key);
    this.#sweep = this.#flows.size === 0 ? undefined : this.#clock.after(SWEEP_MS, () => this.#forgetIdle());
  }
}

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { parseIp, type IpFamily } from '#base/ip.ts';
import { openConnectSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';

/** As long as Go's dialer of kube-apiserver waits, ms. */
const DIAL_TIMEOUT_MS = 30_000;

/** What the worker answers to a family: a descriptor, which all threads share, or why there is none. */
type SocketAnswer = { readonly fd: number } | { readonly problem: string };

/** Opens TCP sockets in the network namespace `netFd` for the thread at the other end of `port`. */
export function serveSockets(port: MessagePort, netFd: number): void {
  port.on('message', (family: IpFamily) => {
    let answer: SocketAnswer;
    try {
      answer = { fd: inNetns(netFd, () => openConnectSocket(family)) };
    } catch (error) {
      answer = { problem: errorMessage(error) };
    }
    port.postMessage(answer);
  });
}

/**
 * Connects to addresses of the cluster network from a thread that is outside of it and may not enter it. Only the socket
 * comes from inside; connecting and all bytes are this thread's own.
 */
export class PodSockets {
  readonly #port: MessagePort;
  readonly #clock: Clock;
  /** Answers come in the order of the questions. */
  readonly #waiting: ((answer: SocketAnswer) => void)[] = [];

  constructor(port: MessagePort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    port.on('message', (answer: SocketAnswer) => this.#waiting.shift()?.(answer));
    port.unref();
  }

  /** The errors have the words of Go, which clients of `/proxy` get to see. */
  async dial(address: string, port: number): Promise<Duplex> {
    const ip = parseIp(address);
    if (ip === undefined) throw new CodedError('EINVAL', `dial tcp: address ${address}: no such host`);
    const { promise, resolve } = Promise.withResolvers<SocketAnswer>();
    this.#waiting.push(resolve);
    this.#port.postMessage(ip.family);
    const answer = await promise;
    if ('problem' in answer) throw new Error(answer.problem);
    return connected(new Socket({ fd: answer.fd }), { host: address, port }, this.#clock);
  }
}

function connected(
  socket: Socket,
  at: { readonly host: string; readonly port: number },
  clock: Clock,
): Promise<Duplex> {
  const where = `dial tcp ${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      timer[Symbol.dispose]();
      reject(new CodedError(errorCode(error) ?? 'EFAILED', `${where}: ${goWords(error)}`, { cause: error }));
    };
    const timer = clock.after(DIAL_TIMEOUT_MS, () => {
      socket.destroy(new CodedError('ETIMEDOUT', 'i/o timeout'));
    });
    socket.once('error', fail);
    socket.once('connect', () => {
      timer[Symbol.dispose]();
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.connect(at);
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ECONNRESET: 'connect: connection reset by peer',
  ETIMEDOUT: 'i/o timeout',
};

function goWords(error: unknown): string {
  return WORDS[errorCode(error) ?? ''] ?? errorMessage(error);
}

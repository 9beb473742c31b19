import { randomInt } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Clock } from '#base/clock.ts';
import type { CodedError } from '#base/errors.ts';
import { HEADER_BYTES, skipName, uint16 } from './query.ts';
import { serverError, type ServerAddress } from './server-address.ts';

/** A port is given up after so many questions, so that nobody has long to guess at it. */
const QUESTIONS_PER_PORT = 100;

interface Waiting {
  /** Name, type and class as they were sent: servers send them back as they are. */
  readonly question: Buffer;
  resolve(answer: Buffer): void;
  reject(error: Error): void;
}

interface Port {
  readonly socket: UdpSocket;
  readonly waiting: Map<number, Waiting>;
  /** Nothing can be sent before; rejects when it never can. */
  connected: Promise<void>;
  asked: number;
}

/** A datagram that nothing came of for so long may be lost, or its answer. */
const RESEND_MS = 500;

/** One upstream server over UDP. Answers come back with the id of the query as it was given. */
export class UpstreamSocket {
  readonly server: ServerAddress;
  readonly #clock: Clock;
  #port: Port | undefined;

  constructor(server: ServerAddress, clock: Clock) {
    this.server = server;
    this.#clock = clock;
  }

  /** Whether the next question over UDP needs no new socket. */
  get isOpen(): boolean {
    return this.#port !== undefined && this.#port.asked < QUESTIONS_PER_PORT;
  }

  ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    const port = this.#openPort();
    return new Promise((resolve, reject) => {
      // A number that only the upstream sees: the client's cannot be guessed from it.
      let id = randomInt(0x1_0000);
      while (port.waiting.has(id)) id = (id + 1) & 0xffff;
      const timer = this.#clock.after(timeoutMs, () => done(this.#error('ETIMEDOUT', 'it does not answer')));
      const again = RESEND_MS < timeoutMs ? this.#clock.after(RESEND_MS, () => send()) : undefined;
      const done = (result: Buffer | Error): void => {
        timer[Symbol.dispose]();
        again?.[Symbol.dispose]();
        port.waiting.delete(id);
        this.#closeIfDone(port);
        if (result instanceof Error) return reject(result);
        result.writeUInt16BE(query.readUInt16BE(0), 0);
        resolve(result);
      };
      const question = query.subarray(HEADER_BYTES, skipName(query, HEADER_BYTES) + 4);
      port.waiting.set(id, { question, resolve: done, reject: done });
      port.asked++;
      const copy = Buffer.from(query);
      copy.writeUInt16BE(id, 0);
      const send = (): void =>
        port.socket.send(copy, (error) => {
          // It may be what came of a question before this one: the socket tells once, whoever looks first.
          if (error !== null) this.#broken(port, error);
        });
      port.connected.then(send, done);
    });
  }

  close(): void {
    const port = this.#port;
    this.#port = undefined;
    if (port === undefined) return;
    this.#fail(port, this.#error('ECANCELED', 'we are shutting down'));
    this.#closeIfDone(port);
  }

  #openPort(): Port {
    if (this.#port !== undefined && this.isOpen) return this.#port;
    const before = this.#port;
    const { host, port: number } = this.server;
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', lookup: literal });
    const port: Port = { socket, waiting: new Map(), connected: connectTo(socket, number, host), asked: 0 };
    this.#port = port;
    if (before !== undefined) this.#closeIfDone(before);
    socket.on('error', (error) => this.#broken(port, error));
    socket.on('message', (answer) => {
      if (answer.length < HEADER_BYTES) return;
      const waiting = port.waiting.get(answer.readUInt16BE(0));
      if (waiting !== undefined && answers(answer, waiting.question)) waiting.resolve(answer);
    });
    return port;
  }

  #broken(port: Port, error: Error): void {
    if (this.#port === port) this.#port = undefined;
    this.#fail(port, error);
  }

  #fail(port: Port, error: Error): void {
    for (const waiting of port.waiting.values()) waiting.reject(error);
    this.#closeIfDone(port);
  }

  #closeIfDone(port: Port): void {
    if (port === this.#port || port.waiting.size > 0) return;
    port.socket.removeAllListeners();
    port.socket.on('error', () => {});
    try {
      port.socket.close();
    } catch {
      // Closed already.
    }
  }

  #error(code: string, reason: string): CodedError {
    return serverError(this.server, code, reason);
  }
}

/** Somebody who guessed the number must guess the question too. Servers leave it out of what they cannot read. */
function answers(answer: Buffer, question: Buffer): boolean {
  if (uint16(answer, 4) === 0) return true;
  const end = HEADER_BYTES + question.length;
  return answer.length >= end && answer.compare(question, 0, question.length, HEADER_BYTES, end) === 0;
}

/** Once connected, the kernel drops what others send to this port, and tells us when nobody listens at the other end. */
function connectTo(socket: UdpSocket, port: number, host: string): Promise<void> {
  const connected = new Promise<void>((resolve, reject) => {
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined && error !== null) return reject(error);
      socket.unref();
      resolve();
    });
  });
  connected.catch(() => {});
  return connected;
}

/** Addresses need no look-up, and the pool thread that would do one is not worth waking. */
export function literal(
  host: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, host, host.includes(':') ? 6 : 4);
}

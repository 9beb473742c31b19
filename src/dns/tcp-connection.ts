import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';

/** Answers one query of a connection. */
export type OnTcpQuery = (bytes: Buffer, client: string | undefined, send: (answer?: Uint8Array) => void) => void;

/** A connection that says nothing for so long is closed (RFC 7766 6.2.3), and one that is so long in the middle of a query. */
const IDLE_MS = 10_000;
/** Of one connection at a time; more wait in the kernel. */
const MAX_PIPELINED = 64;
/** Bytes that a client may leave unread before no more of its queries are. */
const MAX_UNREAD = 256 * 1024;

/** Queries and answers of one connection, each with its length in front (RFC 1035 4.2.2); answers as they are there. */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #query: OnTcpQuery;
  #received: Buffer = Buffer.alloc(0);
  #pending = 0;
  #ended = false;
  #half: Disposable | undefined;

  constructor(socket: Socket, clock: Clock, query: OnTcpQuery) {
    this.#socket = socket;
    this.#clock = clock;
    this.#query = query;
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#half?.[Symbol.dispose]());
    socket.on('drain', () => this.#goOn());
    // Who asks no more may still wait for answers.
    socket.on('end', () => {
      this.#ended = true;
      if (this.#pending === 0) socket.end();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#drain();
    });
  }

  get #busy(): boolean {
    return this.#pending >= MAX_PIPELINED || this.#socket.writableLength > MAX_UNREAD;
  }

  #goOn(): void {
    if (this.#busy || !this.#socket.isPaused()) return;
    this.#socket.resume();
    this.#drain();
  }

  #drain(): void {
    while (!this.#busy && this.#received.length >= 2) {
      const end = 2 + this.#received.readUInt16BE(0);
      if (this.#received.length < end) break;
      const bytes = this.#received.subarray(2, end);
      this.#received = this.#received.subarray(end);
      this.#pending++;
      this.#query(bytes, this.#socket.remoteAddress, (answer) => this.#answer(answer));
    }
    if (this.#busy) this.#socket.pause();
    this.#timeHalf();
  }

  /** A query that comes byte by byte would keep its connection for ever. */
  #timeHalf(): void {
    if (this.#received.length === 0 || this.#busy) {
      this.#half?.[Symbol.dispose]();
      this.#half = undefined;
    } else {
      this.#half ??= this.#clock.after(IDLE_MS, () => this.#socket.destroy());
    }
  }

  #answer(answer: Uint8Array | undefined): void {
    this.#pending--;
    if (answer !== undefined && this.#socket.writable) this.#socket.write(framed(answer));
    if (this.#ended && this.#pending === 0) this.#socket.end();
    this.#goOn();
  }
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(message.length + 2);
  frame.writeUInt16BE(message.length);
  frame.set(message, 2);
  return frame;
}

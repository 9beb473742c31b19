import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { errorCode } from '#base/errors.ts';
import { HEADER_BYTES } from './query.ts';
import { serverError, type ServerAddress } from './server-address.ts';

/** How long a connection is kept for the next question, ms. CoreDNS's figure. */
const KEEP_MS = 10_000;
/** More are closed as soon as they are not needed. */
const MAX_KEPT = 64;

export interface StreamsOptions {
  readonly clock: Clock;
  /** @default 10,000 */
  readonly keepMs?: number | undefined;
}

/** One upstream server over TCP or TLS. A connection carries one question at a time: many servers read no further. */
export class UpstreamStreams {
  readonly #server: ServerAddress;
  readonly #clock: Clock;
  readonly #keepMs: number;
  #isClosed = false;
  /** The last is the one that was used last. */
  readonly #kept: { readonly stream: Stream; readonly timer: Disposable }[] = [];

  constructor(server: ServerAddress, { clock, keepMs = KEEP_MS }: StreamsOptions) {
    this.#server = server;
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /**
   * `onAsk` is told of each try.
   * @throws CodedError `ETIMEDOUT` when there is no answer in time.
   */
  async ask(
    query: Buffer,
    timeoutMs: number,
    onAsk: (connection: 'opened' | 'reused') => void = () => {},
  ): Promise<Buffer> {
    const kept = this.#takeKept();
    if (kept !== undefined) {
      onAsk('reused');
      try {
        return await this.#exchange(kept, query, timeoutMs);
      } catch (error) {
        // Else the server has closed it meanwhile, which says nothing of the question.
        if (errorCode(error) === 'ETIMEDOUT') throw error;
      }
    }
    onAsk('opened');
    return this.#exchange(new Stream(this.#server), query, timeoutMs);
  }

  /** What is under way may still end. */
  close(): void {
    this.#isClosed = true;
    this.#closeKept();
  }

  #closeKept(): void {
    for (const { stream } of this.#kept.splice(0)) stream.close();
  }

  #takeKept(): Stream | undefined {
    const last = this.#kept.pop();
    last?.timer[Symbol.dispose]();
    return last?.stream;
  }

  async #exchange(stream: Stream, query: Buffer, timeoutMs: number): Promise<Buffer> {
    stream.onGone = undefined;
    const timer = this.#clock.after(timeoutMs, () => {
      stream.close(serverError(this.#server, 'ETIMEDOUT', 'it does not answer'));
      // What one of them does not get, the others do not get either.
      this.#closeKept();
    });
    try {
      const answer = await stream.ask(query);
      this.#keep(stream);
      return answer;
    } finally {
      timer[Symbol.dispose]();
    }
  }

  #keep(stream: Stream): void {
    if (this.#isClosed || this.#kept.length >= MAX_KEPT || this.#keepMs === 0) return stream.close();
    const timer = this.#clock.after(this.#keepMs, () => stream.close());
    const kept = { stream, timer };
    stream.onGone = () => {
      timer[Symbol.dispose]();
      const at = this.#kept.indexOf(kept);
      if (at !== -1) this.#kept.splice(at, 1);
    };
    this.#kept.push(kept);
  }
}

/** A connection, and the one question that is under way on it. */
class Stream {
  /** Called once when it is closed, from whichever side. */
  onGone: (() => void) | undefined;
  readonly #server: ServerAddress;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #asked: { readonly id: number; readonly done: (result: Buffer | Error) => void } | undefined;

  constructor(server: ServerAddress) {
    this.#server = server;
    this.#socket = openSocket(server);
    this.#socket.on('error', (error) => this.close(error));
    this.#socket.on('close', () => this.close());
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  ask(query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const done = (result: Buffer | Error): void => {
        if (result instanceof Error) return reject(result);
        this.#socket.unref();
        resolve(result);
      };
      this.#asked = { id: query.readUInt16BE(0), done };
      if (this.#socket.destroyed) return this.close();
      this.#socket.ref();
      const frame = Buffer.alloc(query.length + 2);
      frame.writeUInt16BE(query.length);
      query.copy(frame, 2);
      this.#socket.write(frame);
    });
  }

  close(why: Error = serverError(this.#server, 'ECONNRESET', 'it closed the connection')): void {
    this.#socket.destroy();
    this.#settle(why);
    const { onGone } = this;
    this.onGone = undefined;
    onGone?.();
  }

  #settle(result: Buffer | Error): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.done(result);
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const { length: received } = this.#received;
    const end = received < 2 ? undefined : 2 + this.#received.readUInt16BE(0);
    if (end === undefined || received < end) return;
    const answer = this.#received.subarray(2, end);
    const isAnswer = received === end && answer.length >= HEADER_BYTES && answer.readUInt16BE(0) === this.#asked?.id;
    if (!isAnswer) return this.close(serverError(this.#server, 'EPROTO', 'it answered something else'));
    this.#received = Buffer.alloc(0);
    this.#settle(answer);
  }
}

function openSocket({ host, port, tls }: ServerAddress): Socket {
  if (tls === undefined) return connect({ host, port, noDelay: true });
  const { serverName, ca, cert, key } = tls;
  return connectTls({
    host,
    port,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

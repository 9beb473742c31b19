import { Duplex } from 'node:stream';
import type { Headers } from './header-block.ts';

/** What a stream needs of its connection. */
export interface StreamSink {
  sendData(streamId: number, bytes: Uint8Array, fin: boolean, done: (error?: Error | null) => void): void;
  sendReset(streamId: number): void;
  forget(streamId: number): void;
}

/** A stream may have this much that nobody has read before it holds up its connection. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** One stream of a SPDY connection, opened by the peer. Destroying it before both sides have ended resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #sink: StreamSink;
  #room: (() => void) | undefined;
  #finSent = false;
  #finReceived = false;
  #reset = false;

  constructor(id: number, headers: Headers, sink: StreamSink) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_AHEAD_BYTES });
    this.id = id;
    this.headers = headers;
    this.#sink = sink;
  }

  /** Bytes from the peer. Resolves once there is room for more. */
  async receive(bytes: Uint8Array, fin: boolean): Promise<void> {
    if (this.destroyed || this.#finReceived) return;
    const room = bytes.length === 0 || this.push(bytes);
    if (fin) {
      this.#finReceived = true;
      this.push(null);
    } else if (!room) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  /** The peer has reset the stream, or the connection is gone: nothing more is sent. */
  abort(): void {
    this.#reset = true;
    this.destroy();
  }

  override _read(): void {
    this.#room?.();
    this.#room = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sink.sendData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finSent = true;
    this.#sink.sendData(this.id, new Uint8Array(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    if (!this.#reset && !(this.#finSent && this.#finReceived)) this.#sink.sendReset(this.id);
    this.#sink.forget(this.id);
    done(error);
  }
}

import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  dataFrameHead,
  type Frame,
  FrameParser,
  goAwayFrame,
  pingFrame,
  rstStreamFrame,
  synReplyFrame,
} from './frame.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';
import { SpdyStream, type StreamSink } from './spdy-stream.ts';

/** RST_STREAM status codes (2.6.3). */
const REFUSED_STREAM = 3;
const CANCEL = 5;

const MAX_STREAMS = 4096;

/**
 * The server's side of a SPDY/3.1 connection over any byte stream: a socket after the upgrade, or the messages of a
 * WebSocket. Only the peer opens streams, as kubectl does.
 */
export class SpdyConnection implements StreamSink {
  readonly #transport: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  #lastStreamId = 0;
  #closing = false;
  /** Resolves when the connection is gone, whoever ended it and why. */
  readonly closed: Promise<void>;

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#onStream = onStream;
    transport.on('error', () => transport.destroy());
    this.closed = this.#run();
  }

  /** No new streams; what is written is still sent, then the connection ends. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#transport.writable) this.#transport.end(goAwayFrame(this.#lastStreamId));
  }

  destroy(): void {
    this.#transport.destroy();
  }

  sendData(streamId: number, bytes: Uint8Array, fin: boolean, done: (error?: Error | null) => void): void {
    if (!this.#transport.writable) {
      done();
      return;
    }
    this.#transport.cork();
    const head = dataFrameHead(streamId, bytes.length, fin);
    if (bytes.length === 0) this.#transport.write(head, done);
    else {
      this.#transport.write(head);
      this.#transport.write(bytes, done);
    }
    this.#transport.uncork();
  }

  sendReset(streamId: number): void {
    this.#send(rstStreamFrame(streamId, CANCEL));
  }

  forget(streamId: number): void {
    this.#streams.delete(streamId);
  }

  #send(frame: Buffer): void {
    if (this.#transport.writable) this.#transport.write(frame);
  }

  async #run(): Promise<void> {
    const parser = new FrameParser();
    try {
      for await (const chunk of this.#transport) {
        for (const frame of parser.push(chunk as Buffer)) await this.#handle(frame);
      }
      if (this.#transport.writable) this.#transport.end();
      await finished(this.#transport).catch(() => {});
    } catch {
      // A broken peer: there is nobody to tell.
      this.#transport.destroy();
    } finally {
      this.#reader.close();
      for (const stream of this.#streams.values()) stream.abort();
    }
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case 'synStream':
        await this.#open(frame.streamId, frame.fin, frame.block);
        return;
      case 'data':
        await this.#streams.get(frame.streamId)?.receive(frame.bytes, frame.fin);
        return;
      case 'headers':
      case 'synReply':
        // Not for us, but the next block only inflates after this one.
        await this.#reader.read(frame.block);
        return;
      case 'rstStream':
        this.#streams.get(frame.streamId)?.abort();
        return;
      case 'ping':
        // Even numbers would be answers to pings of our own.
        if (frame.id % 2 === 1) this.#send(pingFrame(frame.id));
        return;
      case 'goAway':
      case 'other':
        return;
    }
  }

  async #open(streamId: number, fin: boolean, block: Buffer): Promise<void> {
    const headers = await this.#reader.read(block);
    if (this.#closing || streamId <= this.#lastStreamId || this.#streams.size >= MAX_STREAMS) {
      this.#send(rstStreamFrame(streamId, REFUSED_STREAM));
      return;
    }
    this.#lastStreamId = streamId;
    const stream = new SpdyStream(streamId, headers, this);
    stream.on('error', () => {});
    this.#streams.set(streamId, stream);
    this.#send(synReplyFrame(streamId, this.#writer.write(new Map())));
    this.#onStream(stream);
    if (fin) await stream.receive(new Uint8Array(0), true);
  }
}

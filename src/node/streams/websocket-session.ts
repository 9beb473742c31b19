import { PassThrough, type Readable } from 'node:stream';
import { type RawData, type WebSocket } from 'ws';
import { type Status } from '#api/object.ts';
import { type TerminalSize } from '../runtime.ts';
import { parseTerminalSize, type RemoteSession, type StdioRequest } from './remote-session.ts';

/** The first byte of every message of v4.channel.k8s.io and v5.channel.k8s.io. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export const CHANNEL_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** Exec and attach over one WebSocket, its channels told apart by their first byte. v5 added the close of stdin. */
export class WebSocketSession implements RemoteSession {
  readonly stdin: Readable | undefined;
  readonly gone: AbortSignal;
  readonly #socket: WebSocket;
  readonly #wanted: StdioRequest;
  #resize: ((size: TerminalSize) => void) | undefined;
  #size: TerminalSize | undefined;

  constructor(socket: WebSocket, wanted: StdioRequest) {
    this.#socket = socket;
    this.#wanted = wanted;
    const abort = new AbortController();
    this.gone = abort.signal;
    const stdin = wanted.stdin ? new PassThrough() : undefined;
    this.stdin = stdin;
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      stdin?.end();
      abort.abort();
    });
    socket.on('message', (data) => this.#receive(bytesOf(data), stdin));
  }

  async write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    if (!this.#wanted[stream]) return;
    await this.#send(CHANNEL[stream], bytes);
  }

  onResize(listener: (size: TerminalSize) => void): void {
    this.#resize = listener;
    if (this.#size !== undefined) listener(this.#size);
  }

  async finish(outcome: Status): Promise<void> {
    await this.#send(CHANNEL.error, Buffer.from(JSON.stringify(outcome)));
    this.#socket.close(1000);
  }

  #send(channel: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const message = Buffer.allocUnsafe(bytes.length + 1);
      message[0] = channel;
      message.set(bytes, 1);
      // An error is followed by `close`, which is what ends the session.
      this.#socket.send(message, { binary: true }, () => resolve());
    });
  }

  #receive(message: Buffer, stdin: PassThrough | undefined): void {
    const body = message.subarray(1);
    switch (message[0]) {
      case CHANNEL.stdin:
        if (stdin === undefined || stdin.writableEnded || body.length === 0 || stdin.write(body)) return;
        this.#socket.pause();
        stdin.once('drain', () => this.#socket.resume());
        return;
      case CHANNEL.close:
        if (body[0] === CHANNEL.stdin) stdin?.end();
        return;
      case CHANNEL.resize: {
        const size = parseTerminalSize(body.toString());
        if (size === undefined) return;
        this.#size = size;
        this.#resize?.(size);
        return;
      }
      default:
        return;
    }
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

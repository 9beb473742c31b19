import { PassThrough, type Readable } from 'node:stream';
import type { Status } from '#api/object.ts';
import type { TerminalSize } from '../runtime.ts';
import type { ChannelSocket } from './channel-socket.ts';
import { parseTerminalSize, type RemoteSession, type StdioRequest } from './remote-session.ts';

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Exec and attach over one WebSocket. v5 added the close of stdin. */
export class WebSocketSession implements RemoteSession {
  readonly stdin: Readable | undefined;
  readonly gone: AbortSignal;
  readonly #socket: ChannelSocket;
  readonly #wanted: StdioRequest;
  #resize: ((size: TerminalSize) => void) | undefined;
  #size: TerminalSize | undefined;

  constructor(socket: ChannelSocket, wanted: StdioRequest) {
    this.#socket = socket;
    this.#wanted = wanted;
    const abort = new AbortController();
    this.gone = abort.signal;
    const stdin = wanted.stdin ? new PassThrough() : undefined;
    this.stdin = stdin;
    socket.onClose(() => {
      stdin?.end();
      abort.abort();
    });
    socket.onMessage((channel, body) => this.#receive(channel, body, stdin));
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
    const text = this.#socket.hasStatus ? JSON.stringify(outcome) : outcome.status === 'Success' ? '' : outcome.message;
    if (text !== undefined && text !== '') await this.#send(CHANNEL.error, Buffer.from(text));
    this.#socket.close();
  }

  #send(channel: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.send(channel, bytes, resolve));
  }

  #receive(channel: number, body: Buffer, stdin: PassThrough | undefined): void {
    switch (channel) {
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

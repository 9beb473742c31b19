import type { RawData, WebSocket } from 'ws';

/**
 * Names of the protocols that tell streams apart by the first byte of a message, best first. Those before v4 end with a text
 * instead of a Status, and a client that names none speaks the first of them; `base64` is for those that can send only text.
 */
export const CHANNEL_PROTOCOLS: readonly string[] = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];

const ZERO = 0x30;

/** A WebSocket as channels, in whichever of the protocols was chosen. */
export class ChannelSocket {
  readonly #socket: WebSocket;
  readonly #isText: boolean;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#isText = socket.protocol.includes('base64');
    socket.on('error', () => socket.terminate());
  }

  /** Whether the outcome is told as a Status. */
  get hasStatus(): boolean {
    return /^v[45]\./.test(this.#socket.protocol);
  }

  /** `sent` is called in any case; an error is followed by the close. */
  send(channel: number, bytes: Uint8Array, sent: () => void): void {
    if (this.#isText) {
      this.#socket.send(`${channel}${Buffer.from(bytes).toString('base64')}`, { binary: false }, sent);
      return;
    }
    const message = Buffer.allocUnsafe(bytes.length + 1);
    message[0] = channel;
    message.set(bytes, 1);
    this.#socket.send(message, { binary: true }, sent);
  }

  onMessage(listener: (channel: number, body: Buffer) => void): void {
    this.#socket.on('message', (data) => {
      const message = bytesOf(data);
      const [first] = message;
      if (first === undefined) return;
      const body = message.subarray(1);
      if (this.#isText) listener(first - ZERO, Buffer.from(body.toString('latin1'), 'base64'));
      else listener(first, body);
    });
  }

  onClose(listener: () => void): void {
    this.#socket.on('close', listener);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.close(1000);
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

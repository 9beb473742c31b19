import type { Readable } from 'node:stream';
import { once } from 'node:events';
import type { Clock } from '#base/clock.ts';
import type { Status } from '#api/object.ts';
import type { TerminalSize } from '../runtime.ts';
import { parseTerminalSize, type RemoteSession, type StdioRequest } from './remote-session.ts';
import type { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';

export type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/** The streams that a client of v4.channel.k8s.io opens for a request. A terminal has no stderr. */
export function expectedStreams(wanted: StdioRequest): StreamType[] {
  return [
    'error',
    ...(wanted.stdin ? (['stdin'] as const) : []),
    ...(wanted.stdout ? (['stdout'] as const) : []),
    ...(wanted.stderr && !wanted.tty ? (['stderr'] as const) : []),
    ...(wanted.tty ? (['resize'] as const) : []),
  ];
}

/** How long a client may take to read the outcome and hang up. */
const LINGER_MS = 5000;

/** Exec and attach over SPDY: a stream for each of stdin, stdout, stderr, the outcome and terminal sizes. */
export class SpdySession implements RemoteSession {
  readonly stdin: Readable | undefined;
  readonly gone: AbortSignal;
  readonly #connection: SpdyConnection;
  readonly #streams: ReadonlyMap<string, SpdyStream>;
  readonly #clock: Clock;

  constructor(connection: SpdyConnection, streams: ReadonlyMap<string, SpdyStream>, clock: Clock) {
    this.#connection = connection;
    this.#streams = streams;
    this.#clock = clock;
    this.stdin = streams.get('stdin');
    const abort = new AbortController();
    this.gone = abort.signal;
    void connection.closed.then(() => abort.abort());
    // Nothing comes on these, but only a stream that is read sees its end.
    for (const type of ['error', 'stdout', 'stderr']) streams.get(type)?.resume();
  }

  async write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    const target = this.#streams.get(stream);
    if (target === undefined || !target.writable) return;
    if (!target.write(bytes)) await Promise.race([once(target, 'drain'), once(target, 'close')]);
  }

  onResize(listener: (size: TerminalSize) => void): void {
    // One JSON object after another, each of which kubectl writes at once.
    let rest = '';
    this.#streams.get('resize')?.on('data', (chunk: Buffer) => {
      const texts = (rest + chunk.toString()).split('}');
      rest = texts.pop() ?? '';
      for (const text of texts) {
        const size = parseTerminalSize(`${text}}`);
        if (size !== undefined) listener(size);
      }
    });
  }

  async finish(outcome: Status): Promise<void> {
    const error = this.#streams.get('error');
    for (const [type, stream] of this.#streams) if (type !== 'error') stream.end();
    error?.end(JSON.stringify(outcome));
    // Who hangs up first may cut off what the other has not read yet: leave that to the client.
    using timer = this.#clock.after(LINGER_MS, () => this.#connection.destroy());
    void timer;
    await this.#connection.closed;
  }
}

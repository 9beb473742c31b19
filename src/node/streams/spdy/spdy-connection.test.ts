import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import test from 'node:test';
import { dataFrameHead, type Frame, FrameParser, pingFrame, rstStreamFrame, synStreamFrame } from './frame.ts';
import { HeaderWriter } from './header-block.ts';
import { SpdyConnection } from './spdy-connection.ts';
import type { SpdyStream } from './spdy-stream.ts';

/** The client's end, by hand. */
class Client {
  readonly #transport: Duplex;
  readonly #headers = new HeaderWriter();
  readonly frames: Frame[] = [];
  readonly ended: Promise<void>;

  constructor(transport: Duplex) {
    this.#transport = transport;
    const parser = new FrameParser();
    transport.on('data', (chunk: Buffer) => this.frames.push(...parser.push(chunk)));
    this.ended = new Promise((resolve) => transport.once('end', resolve));
  }

  open(streamId: number, headers: Readonly<Record<string, string>>): void {
    this.#transport.write(synStreamFrame(streamId, this.#headers.write(new Map(Object.entries(headers)))));
  }

  send(streamId: number, data: string | Buffer, fin: boolean = false): void {
    const bytes = Buffer.from(data);
    this.#transport.write(Buffer.concat([dataFrameHead(streamId, bytes.length, fin), bytes]));
  }

  raw(bytes: Buffer): void {
    this.#transport.write(bytes);
  }

  end(): void {
    this.#transport.end();
  }

  /** What came, one line a frame, data of one stream joined. */
  transcript(): string[] {
    const lines: string[] = [];
    for (const frame of this.frames) {
      if (frame.kind === 'data') {
        const start = `data ${frame.streamId} `;
        const line = `${frame.bytes.toString()}${frame.fin ? '|' : ''}`;
        if (lines.at(-1)?.startsWith(start) === true) lines.push(`${lines.pop()}${line}`);
        else lines.push(start + line);
      } else lines.push(`${frame.kind} ${'streamId' in frame ? frame.streamId : 'id' in frame ? frame.id : ''}`.trim());
    }
    return lines;
  }
}

function connect(onStream: (stream: SpdyStream) => void): { client: Client; server: SpdyConnection } {
  const [near, far] = duplexPair();
  return { client: new Client(near), server: new SpdyConnection(far, onStream) };
}

test('a stream is answered, read to its end and written to', async () => {
  const seen: string[] = [];
  const { client, server } = connect((stream) => {
    seen.push(stream.headers.get('streamtype') ?? '');
    void text(stream).then((all) => stream.end(all.toUpperCase()));
    stream.once('close', () => client.end());
  });
  client.raw(pingFrame(1));
  client.open(1, { streamType: 'stdin' });
  client.send(1, 'hel');
  client.send(1, 'lo', true);
  await server.closed;
  assert.deepEqual(seen, ['stdin']);
  assert.deepEqual(client.transcript(), ['ping 1', 'synReply 1', 'data 1 HELLO|']);
});

test('streams do not mix, and a reset one is gone without a word', async () => {
  const streams = new Map<number, SpdyStream>();
  const opened = Promise.withResolvers<void>();
  const { client, server } = connect((stream) => {
    streams.set(stream.id, stream);
    if (streams.size === 2) opened.resolve();
  });
  client.open(1, {});
  client.open(3, {});
  await opened.promise;
  const closed = new Promise((resolve) => streams.get(1)?.once('close', resolve));
  client.raw(rstStreamFrame(1, 5));
  client.send(3, 'x', true);
  await closed;
  assert.equal(await text(streams.get(3)!), 'x');
  streams.get(3)?.end('y');
  client.end();
  await server.closed;
  assert.deepEqual(client.transcript(), ['synReply 1', 'synReply 3', 'data 3 y|']);
});

test('a stream that is destroyed here is reset there', async () => {
  const { client, server } = connect((stream) => stream.destroy());
  client.open(1, {});
  client.end();
  await server.closed;
  assert.deepEqual(client.transcript(), ['synReply 1', 'rstStream 1']);
});

test('a stream that nobody reads holds its connection up, and all arrives once somebody does', async () => {
  const stream = Promise.withResolvers<SpdyStream>();
  const { client, server } = connect((opened) => stream.resolve(opened));
  client.open(1, {});
  const bytes = Buffer.alloc(5_000_000, 'z');
  for (let at = 0; at < bytes.length; at += 100_000) client.send(1, bytes.subarray(at, at + 100_000));
  client.send(1, '', true);
  const opened = await stream.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(opened.readableLength <= 1_200_000, `${opened.readableLength} bytes were read ahead`);
  assert.ok((await buffer(opened)).equals(bytes));
  opened.end();
  client.end();
  await server.closed;
});

test('close() sends what is written, says goodbye and ends', async () => {
  const { client, server } = connect((stream) => {
    stream.end('bye');
    stream.resume();
    stream.once('finish', () => server.close());
  });
  client.open(1, {});
  await client.ended;
  client.end();
  await server.closed;
  assert.deepEqual(client.transcript(), ['synReply 1', 'data 1 bye|', 'goAway']);
});

test('a peer that breaks the protocol is cut off', async () => {
  const { client, server } = connect(() => {});
  client.raw(Buffer.from('800200060000000400000001', 'hex'));
  await server.closed;
});

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import type { WatchFrame } from '#api/request.ts';
import type { Exchange } from './exchange.ts';
import { parseUrl } from './request-url.ts';
import { writeResponse } from './write-response.ts';

/** A client that takes `room` chunks and then nothing. */
function slowClient(room: number): { exchange: Exchange; log: string[] } {
  const log: string[] = [];
  const abort = new AbortController();
  const gone = Promise.withResolvers<void>();
  let left = room;
  const exchange: Exchange = {
    method: 'GET',
    url: '/',
    headers: {},
    socket: undefined,
    body: Readable.from([]),
    signal: abort.signal,
    started: false,
    head: (status) => log.push(`head ${status}`),
    write: (chunk) => {
      log.push(chunk.toString().trimEnd());
      return --left > 0;
    },
    drained: () => gone.promise,
    end: () => log.push('end'),
    destroy: () => {
      log.push('destroy');
      abort.abort();
      gone.resolve();
    },
  };
  return { exchange, log };
}

async function* frames(...texts: readonly string[]): AsyncGenerator<WatchFrame> {
  for (const text of texts) yield { text, event: { type: 'ERROR', object: {} } } as unknown as WatchFrame;
}

test('a watcher that takes nothing for half a minute is cut off', async () => {
  const clock = new ManualClock();
  const { exchange, log } = slowClient(2);
  const response = { kind: 'watch', status: 200, frames: frames('a', 'b', 'c', 'd') } as const;
  const written = writeResponse(exchange, parseUrl('/'), response, clock);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(log, ['head 200', 'a', 'b']);
  await clock.advance(29_999);
  assert.deepEqual(log, ['head 200', 'a', 'b']);
  await clock.advance(1);
  await written;
  assert.deepEqual(log, ['head 200', 'a', 'b', 'destroy', 'end']);
});

test('a log whose node fails is cut off, not ended', async () => {
  const { exchange, log } = slowClient(9);
  const body = Readable.from(
    (async function* chunks() {
      yield Buffer.from('first');
      throw new Error('the node is gone');
    })(),
  );
  const response = { kind: 'stream', status: 200, contentType: 'text/plain', body } as const;
  await writeResponse(exchange, parseUrl('/'), response, new ManualClock());
  assert.deepEqual(log, ['head 200', 'first', 'destroy']);
});

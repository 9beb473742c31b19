import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { test } from 'node:test';
import type { WatchEvent } from '#api/object.ts';
import type { ApiHandler, ApiRequest, WatchFrame } from '#api/request.ts';
import { Channel } from '#base/channel.ts';
import { BATCH_EVENTS, BATCHES_IN_FLIGHT } from './port-messages.ts';
import { serveTransport } from './port-server.ts';
import { portTransport } from './port-transport.ts';
import { failure } from './testing/fake-api.ts';
import { settle, turns } from './testing/turns.ts';
import type { Transport } from './transport.ts';

const user = { username: 'test', groups: ['system:masters'] };

function connect(handler: ApiHandler): { readonly transport: Transport & Disposable } & Disposable {
  const { port1, port2 } = new MessageChannel();
  const server = serveTransport(port1, handler, user);
  const transport = portTransport(port2);
  return {
    transport,
    [Symbol.dispose]: () => {
      transport[Symbol.dispose]();
      server[Symbol.dispose]();
    },
  };
}

function frame(version: number): WatchFrame {
  const event = { type: 'ADDED', object: { metadata: { resourceVersion: String(version) } } } as unknown as WatchEvent;
  return { event, text: JSON.stringify(event) };
}

test('request() carries method, path, query, body and user there, and status, body and warnings back', async () => {
  const seen: ApiRequest[] = [];
  using c = connect((request) => {
    seen.push(request);
    return Promise.resolve({ kind: 'object', status: 201, body: { a: [1] }, warnings: ['old'] });
  });
  const answer = await c.transport.request({
    method: 'POST',
    path: '/api/v1/x',
    query: { dryRun: 'All' },
    contentType: 'application/json',
    body: { b: 'ü' },
  });
  assert.deepEqual(answer, { status: 201, body: { a: [1] }, contentType: undefined, warnings: ['old'] });
  const { signal: _, ...request } = seen[0] as ApiRequest;
  assert.deepEqual(request, {
    method: 'POST',
    path: '/api/v1/x',
    query: { dryRun: 'All' },
    contentType: 'application/json',
    accept: undefined,
    body: { b: 'ü' },
    user,
  });
});

test('request() carries bytes as they are', async () => {
  using c = connect(() =>
    Promise.resolve({ kind: 'text', status: 200, body: new Uint8Array([0, 255]), contentType: 'text/plain' }),
  );
  const answer = await c.transport.request({ method: 'GET', path: '/log' });
  assert.deepEqual([...(answer.body as Uint8Array)], [0, 255]);
});

test('request() rejects when the handler throws, when aborted, and once the port is closed', async () => {
  let aborted = false;
  using c = connect(({ path, signal }) => {
    if (path === '/throws') throw new Error('broken');
    signal?.addEventListener('abort', () => (aborted = true));
    return new Promise(() => {});
  });
  await assert.rejects(c.transport.request({ method: 'GET', path: '/throws' }), { message: 'broken' });
  const abort = new AbortController();
  const pending = c.transport.request({ method: 'GET', path: '/waits', signal: abort.signal });
  abort.abort(new Error('enough'));
  await assert.rejects(pending, { message: 'enough' });
  await turns(() => aborted);
  const closed = { message: 'Cannot reach the API server: its port was closed' };
  const waiting = c.transport.request({ method: 'GET', path: '/waits' });
  c.transport[Symbol.dispose]();
  await assert.rejects(waiting, closed);
  await assert.rejects(c.transport.request({ method: 'GET', path: '/' }), closed);
});

test('watch() rejects with the Status of a server that refuses it', async () => {
  using c = connect(() => Promise.resolve(failure(410, 'Expired', 'too old')));
  const events = c.transport.watch({ method: 'GET', path: '/' }, new AbortController().signal);
  await assert.rejects(events[Symbol.asyncIterator]().next(), { name: 'ApiError', code: 410, reason: 'Expired' });
});

test('watch() brings a burst of 10,000 events in order, holding the server back while the reader is behind', async () => {
  const frames = new Channel<WatchFrame>();
  let pulled = 0;
  using c = connect(() =>
    Promise.resolve({
      kind: 'watch',
      status: 200,
      frames: (async function* () {
        for await (const next of frames) {
          pulled++;
          yield next;
        }
      })(),
    }),
  );
  for (let i = 1; i <= 10_000; i++) frames.push(frame(i));
  frames.close();
  let count = 0;
  for await (const event of c.transport.watch({ method: 'GET', path: '/' }, new AbortController().signal)) {
    if (++count === 1) {
      // The reader rests here: what the server may send is bounded.
      await settle();
      assert.ok(pulled <= BATCH_EVENTS * (BATCHES_IN_FLIGHT + 1), `${pulled} pulled`);
    }
    assert.equal(event.object.metadata['resourceVersion'], String(count));
  }
  assert.equal(count, 10_000);
});

test('watch() ends on abort, and the handler hears of it', async () => {
  const frames = new Channel<WatchFrame>();
  using c = connect(({ signal }) => {
    signal?.addEventListener('abort', () => frames.close());
    return Promise.resolve({ kind: 'watch', status: 200, frames });
  });
  const abort = new AbortController();
  const seen: string[] = [];
  frames.push(frame(1));
  for await (const event of c.transport.watch({ method: 'GET', path: '/' }, abort.signal)) {
    seen.push(event.type);
    abort.abort();
  }
  await turns(() => frames.closed);
  assert.deepEqual(seen, ['ADDED']);
});

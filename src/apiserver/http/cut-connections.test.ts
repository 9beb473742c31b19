import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '#base/clock.ts';
import { ListeningServer } from '../testing/listening-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const MB = 1_000_000;
/** More than a server that kept them could hide: each leaves half of a body of 2 MB, or an answer of 4 MB, behind. */
const CUTS = 60;
const AT_ONCE = 10;
const MAX_GROWTH_BYTES = 40 * MB;
const ATTEMPTS = 600;
const PAUSE_MS = 50;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: ListeningServer;

/** What a cut connection must give back: descriptors of this process, in which both sides are, and what the server counts. */
async function held(): Promise<{ readonly descriptors: number; readonly counts: readonly string[] }> {
  const answer = await server.test.get('/metrics');
  assert.ok(answer.kind === 'text');
  const counts = String(answer.body)
    .split('\n')
    .filter((line) => /^apiserver_(current_inflight|longrunning)_requests\{/.test(line) && !line.endsWith(' 0'))
    // Which is that for the metrics.
    .filter((line) => line !== 'apiserver_current_inflight_requests{request_kind="readOnly"} 1');
  return { descriptors: readdirSync('/proc/self/fd').length, counts };
}

async function memory(): Promise<number> {
  // Twice, with a pause: what holds a buffer may itself be waiting for its last callback.
  collectGarbage();
  await systemClock.sleep(PAUSE_MS);
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A connection, and what is below its TLS, for only that can be reset. */
async function tls(): Promise<{ readonly socket: TLSSocket; readonly below: Socket }> {
  const { port, authority, admin } = server;
  const below = connectTcp(port, '127.0.0.1');
  const socket = connectTls({
    socket: below,
    host: '127.0.0.1',
    ca: authority.cert,
    ALPNProtocols: ['http/1.1'],
    ...admin,
  });
  for (const one of [below, socket]) one.on('error', () => {});
  await once(socket, 'secureConnect');
  return { socket, below };
}

function head(method: string, path: string, length: number = 0): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

const HALF_BODY = Buffer.alloc(MB, '{"metadata":{"name":"a"},"data":{"a":"');

/** One request over HTTP/1.1 that is cut when `until` says so. */
async function cutHttp1(request: string, more: Buffer | undefined, reset: boolean): Promise<void> {
  const { socket, below } = await tls();
  socket.write(request);
  if (more === undefined) await once(socket, 'data');
  else await new Promise((resolve) => socket.write(more, resolve));
  // A reset comes without a goodbye, in TCP and in TLS.
  if (reset) below.resetAndDestroy();
  else socket.destroy();
}

async function cutHttp2(method: string, path: string, more: Buffer | undefined, reset: boolean): Promise<void> {
  const { port, authority, admin } = server;
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert, ...admin });
  session.on('error', () => {});
  const stream = session.request({ ':method': method, ':path': path }, { endStream: more === undefined });
  stream.on('error', () => {});
  if (more === undefined) await once(stream, 'data');
  // The first window, which the server may or may not have read.
  else await new Promise((resolve) => stream.write(more.subarray(0, 60_000), resolve));
  if (reset) stream.close(8);
  session.destroy();
}

/** Cut once the server has answered the greeting, or in the middle of the greeting itself. */
async function cutHandshake(early: boolean): Promise<void> {
  const socket: Socket = connectTcp(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (early) {
    // The header of a handshake record of 512 bytes, and no more of it.
    await new Promise((resolve) => socket.write(Buffer.from([22, 3, 1, 2, 0, 1]), resolve));
  } else {
    const secure = connectTls({ socket, rejectUnauthorized: false });
    secure.on('error', () => {});
    // The first secret comes with the server's greeting, before ours ends.
    await once(secure, 'keylog');
  }
  socket.resetAndDestroy();
}

const LIST = CONFIG_MAPS;
const WATCH = `${CONFIG_MAPS}?watch=1`;
const BODY = head('POST', CONFIG_MAPS, 2 * MB);

const cuts: readonly (readonly [string, (i: number) => Promise<void>])[] = [
  ['http/1.1: a request body', (i) => cutHttp1(BODY, HALF_BODY, i % 2 === 0)],
  ['http/1.1: a list', (i) => cutHttp1(head('GET', LIST), undefined, i % 2 === 0)],
  ['http/1.1: a watch', (i) => cutHttp1(head('GET', WATCH), undefined, i % 2 === 0)],
  ['h2: a request body', (i) => cutHttp2('POST', CONFIG_MAPS, HALF_BODY, i % 2 === 0)],
  ['h2: a list', (i) => cutHttp2('GET', LIST, undefined, i % 2 === 0)],
  ['h2: a watch', (i) => cutHttp2('GET', WATCH, undefined, i % 2 === 0)],
  ['a TLS handshake', (i) => cutHandshake(i % 2 === 0)],
];

describe('clients that cut their connection in the middle leave nothing behind', () => {
  before(async () => {
    server = await ListeningServer.start();
    const data = { big: 'x'.repeat(40_000) };
    for (let i = 0; i < 100; i++) await server.test.post(CONFIG_MAPS, { metadata: { name: `c-${i}` }, data });
    // What is loaded on first use is no leak.
    for (const [, cut] of cuts) await cut(1);
    await systemClock.sleep(PAUSE_MS);
  });
  after(() => server[Symbol.asyncDispose]());

  for (const [name, cut] of cuts) {
    test(name, async () => {
      const start = await held();
      const bytes = await memory();
      for (let i = 0; i < CUTS; i += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => cut(i + j)));
      }
      let end = await held();
      for (let attempt = 0; attempt < ATTEMPTS && JSON.stringify(end) !== JSON.stringify(start); attempt++) {
        await systemClock.sleep(PAUSE_MS);
        end = await held();
      }
      assert.deepEqual(end, start);
      assert.deepEqual(end.counts, []);
      const growth = (await memory()) - bytes;
      assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more than before`);
      // And it still serves.
      assert.equal((await server.test.post(CONFIG_MAPS, { metadata: { generateName: 'after-' } })).status, 201);
    });
  }
});

/** Servers and connections in trouble, over real HTTP: where the informer goes on, when, and that it misses nothing. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ConfigMap } from '#api/generated/types.ts';
import type { WatchEvent } from '#api/object.ts';
import { configMaps } from '#api/resource.ts';
import { silentLog } from '#base/log.ts';
import { createClient } from './api-client.ts';
import { httpsTransport, type HttpsTransportOptions } from './https-transport.ts';
import { Informer } from './informer.ts';
import { type ScriptedAnswer, ScriptedServer } from './testing/scripted-server.ts';
import { SteppedClock } from './testing/stepped-clock.ts';
import { turns } from './testing/turns.ts';

const RESOURCE = 'configmaps';

function map(name: string, resourceVersion: string): ConfigMap {
  const metadata = { name, namespace: 'd', uid: name, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

function added(name: string, version: string): WatchEvent {
  return { type: 'ADDED', object: map(name, version) };
}

function bookmark(version: string): WatchEvent {
  return { type: 'BOOKMARK', object: map('', version) };
}

function status(code: number, reason: string, more: object = {}): ScriptedAnswer {
  return { status: code, body: { kind: 'Status', status: 'Failure', code, reason, message: reason, ...more } };
}

interface Fixture {
  readonly server: ScriptedServer;
  readonly informer: Informer<ConfigMap>;
  readonly clock: SteppedClock;
  readonly told: string[];
  /** Requests since the first list and watch. */
  requests(): readonly string[];
  /** Until a watch is open and the object is known. */
  has(name: string): Promise<void>;
}

interface Options extends HttpsTransportOptions {
  readonly pageSize?: number;
  readonly token?: () => string;
  readonly random?: () => number;
  /** Before anything is asked. */
  readonly intercept?: ScriptedServer['intercept'];
}

async function start(t: TestContext, options: Options = {}): Promise<Fixture> {
  const server = await ScriptedServer.start();
  const { token, random = () => 0, pageSize } = options;
  const at = { server: `http://127.0.0.1:${server.port}`, insecureSkipTlsVerify: false, namespace: 'default', token };
  const transport = httpsTransport(at, options);
  const abort = new AbortController();
  t.after(async () => {
    abort.abort(new Error('stopped'));
    transport[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const clock = new SteppedClock();
  const told: string[] = [];
  const informer = new Informer(createClient(transport), configMaps, { clock, log: silentLog, random, pageSize });
  const note = (what: string) => (object: ConfigMap) => told.push(`${what}${object.metadata.name}`);
  informer.on({ added: note('+'), updated: note('~'), deleted: note('-') });
  server.list(RESOURCE, '5', map('a', '5'));
  server.intercept = options.intercept;
  informer.start(abort.signal);
  await turns(() => server.watches(RESOURCE) === 1);
  const has = (name: string): Promise<void> =>
    turns(() => informer.get(`d/${name}`) !== undefined && server.watches(RESOURCE) === 1);
  return { server, informer, clock, told, has, requests: () => server.requests.slice(2) };
}

/** Each loses the connection in its own way, after `b` was told of at 7. */
const losses: readonly (readonly [string, (server: ScriptedServer) => void])[] = [
  ['ends', (server) => server.end(RESOURCE)],
  ['is cut', (server) => server.cut(RESOURCE)],
  [
    'ends in the middle of a line',
    (server) => {
      server.sendText(RESOURCE, JSON.stringify(added('half', '8')).slice(0, 60));
      server.end(RESOURCE);
    },
  ],
  [
    'is cut in the middle of a line',
    (server) => {
      server.sendText(RESOURCE, JSON.stringify(added('half', '8')).slice(0, 60));
      setImmediate(() => server.cut(RESOURCE));
    },
  ],
  ['has a line that is no JSON', (server) => server.sendText(RESOURCE, '{"type":\n')],
  [
    'ends with an error that is not about versions',
    (server) => server.send(RESOURCE, { type: 'ERROR', object: status(500, 'InternalError').body } as WatchEvent),
  ],
];

for (const [name, lose] of losses) {
  test(`a watch that ${name} goes on from the last event, at once and without a list`, async (t) => {
    const f = await start(t);
    f.server.send(RESOURCE, added('b', '7'));
    await f.has('b');
    lose(f.server);
    await turns(() => f.requests().length === 1 && f.server.watches(RESOURCE) === 1);
    f.server.send(RESOURCE, added('half', '8'), added('c', '9'));
    await f.has('c');
    assert.deepEqual(f.requests(), ['watch configmaps 7']);
    assert.deepEqual(f.told, ['+a', '+b', '+half', '+c']);
    assert.deepEqual(f.clock.slept, []);
  });
}

test('a watch goes on from the last bookmark', async (t) => {
  const f = await start(t);
  f.server.send(RESOURCE, bookmark('900'));
  await turns(() => f.informer.resourceVersion === '900');
  f.server.end(RESOURCE);
  await turns(() => f.requests().length === 1);
  assert.deepEqual(f.requests(), ['watch configmaps 900']);
});

test('connections that are cut again and again are no reason to wait', async (t) => {
  const f = await start(t);
  for (let i = 0; i < 12; i++) {
    f.server.send(RESOURCE, added(`n${i}`, String(10 + i)));
    await f.has(`n${i}`);
    f.server.cut(RESOURCE);
    await turns(() => f.requests().length === i + 1 && f.server.watches(RESOURCE) === 1);
  }
  assert.deepEqual(f.clock.slept, []);
});

test('a server that hangs is left once its bookmarks stay away', async (t) => {
  const f = await start(t, { bookmarkSilenceMs: 30 });
  f.server.send(RESOURCE, bookmark('8'));
  const hung = f.server.watches(RESOURCE);
  await turns(() => f.requests().length === 1 && f.server.watches(RESOURCE) === hung, 10_000_000);
  f.server.send(RESOURCE, added('b', '9'));
  await f.has('b');
  assert.deepEqual(f.requests(), ['watch configmaps 8']);
});

for (const [name, expire] of [
  ['an answer', status(410, 'Expired')],
  ['an event', undefined],
] as const) {
  test(`a version that the server has no longer, as ${name}, takes one list, which tells what differs`, async (t) => {
    const f = await start(t);
    f.server.list(RESOURCE, '20', map('a', '5'), map('b', '19'));
    if (expire === undefined) {
      f.server.send(RESOURCE, { type: 'ERROR', object: status(410, 'Expired').body } as WatchEvent);
    } else {
      f.server.intercept = ({ line }) => (line === 'watch configmaps 5' ? expire : undefined);
      f.server.end(RESOURCE);
    }
    await f.has('b');
    const refused = expire === undefined ? [] : ['watch configmaps 5'];
    assert.deepEqual(f.requests(), [...refused, 'list configmaps', 'watch configmaps 20']);
    assert.deepEqual(f.told, ['+a', '+b']);
  });
}

test('pages that expire in the middle are followed by the whole', async (t) => {
  const page = { kind: 'List', metadata: { resourceVersion: '5', continue: 'x' }, items: [map('a', '5')] };
  const intercept: ScriptedServer['intercept'] = ({ line }) => {
    if (line === 'list configmaps limit=1') return { status: 200, body: page };
    return line.includes('continue') ? status(410, 'Expired') : undefined;
  };
  const f = await start(t, { pageSize: 1, intercept });
  assert.deepEqual(f.server.requests.slice(0, 3), [
    'list configmaps limit=1',
    'list configmaps limit=1 continue=x',
    'list configmaps',
  ]);
  assert.deepEqual(f.told, ['+a']);
});

for (const [name, refusal, wait] of [
  [
    'Retry-After',
    { status: 429, headers: { 'Retry-After': '7' }, body: 'Too many requests, please try again later.' },
    7000,
  ],
  ['retryAfterSeconds', status(429, 'TooManyRequests', { details: { retryAfterSeconds: 3 } }), 3000],
  [
    'Retry-After of a server that starts',
    { ...status(503, 'ServiceUnavailable'), headers: { 'Retry-After': '2' } },
    2000,
  ],
] as const) {
  test(`${name} is waited for, and then the watch goes on where it was`, async (t) => {
    const f = await start(t, { random: () => 0.5 });
    let refusals = 0;
    f.server.intercept = () => (++refusals <= 2 ? refusal : undefined);
    f.server.end(RESOURCE);
    await turns(() => f.requests().length === 3 && f.server.watches(RESOURCE) === 1);
    assert.deepEqual(
      f.requests(),
      Array.from({ length: 3 }, () => 'watch configmaps 5'),
    );
    assert.deepEqual(f.clock.slept, [wait * 1.5, wait * 1.5]);
  });
}

test('a server that fails is asked at once, and then later and later, each time a little longer than the least', async (t) => {
  const f = await start(t, { random: () => 0.25 });
  f.server.send(RESOURCE, bookmark('6'));
  await turns(() => f.informer.resourceVersion === '6');
  let failures = 0;
  f.server.intercept = () => (++failures <= 12 ? { status: 500, body: 'etcdserver: leader changed' } : undefined);
  f.server.end(RESOURCE);
  await turns(() => f.requests().length === 13 && f.server.watches(RESOURCE) === 1);
  const least = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
  assert.deepEqual(
    f.clock.slept,
    least.map((ms) => ms * 1.25),
  );
  assert.deepEqual(new Set(f.requests()), new Set(['watch configmaps 6']));
  // All is well again, and forgotten.
  f.clock.slept.length = 0;
  f.server.send(RESOURCE, added('b', '7'));
  await f.has('b');
  f.server.cut(RESOURCE);
  await turns(() => f.requests().length === 14);
  assert.deepEqual(f.clock.slept, []);
});

test('a token that expired is read anew for every attempt', async (t) => {
  let token = 'old';
  const f = await start(t, { token: () => token });
  let refused = 0;
  f.server.intercept = ({ headers }) => {
    if (headers.authorization === 'Bearer new') return undefined;
    if (++refused === 3) token = 'new';
    return status(401, 'Unauthorized');
  };
  f.server.end(RESOURCE);
  await turns(() => f.requests().length === 4 && f.server.watches(RESOURCE) === 1);
  assert.deepEqual(new Set(f.requests()), new Set(['watch configmaps 5']));
});

import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { ConfigMap } from '#api/generated/types.ts';
import { configMaps } from '#api/resource.ts';
import { createClient } from './api-client.ts';
import type { Client } from './client.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { Informer } from './informer.ts';
import { Informers } from './informers.ts';
import { serveTransport } from './port-server.ts';
import { portTransport } from './port-transport.ts';
import { failure, FakeApi } from './testing/fake-api.ts';
import { turns } from './testing/turns.ts';

const user = { username: 'test', groups: ['system:masters'] };

interface Fixture extends Disposable {
  readonly api: FakeApi;
  readonly client: Client;
  readonly clock: ManualClock;
  readonly signal: AbortSignal;
  readonly informer: Informer<ConfigMap>;
  /** What the handlers were told since the last look. */
  seen(): string[];
  put(name: string, value: string): Promise<unknown>;
}

function fixture(transport: 'in process' | 'port'): Fixture {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  const stack = new DisposableStack();
  let client = createClient(inProcessTransport(api.handle, user));
  if (transport === 'port') {
    const { port1, port2 } = new MessageChannel();
    stack.use(serveTransport(port1, api.handle, user));
    client = createClient(stack.use(portTransport(port2)));
  }
  const abort = new AbortController();
  stack.defer(() => abort.abort(new Error('stopped')));
  const options = { clock, log: silentLog, random: () => 0 };
  const informer = new Informer(client, configMaps, {
    ...options,
    indexers: { value: (object) => (object.data?.['v'] === undefined ? [] : [object.data['v']]) },
  });
  let told: string[] = [];
  const note = (what: string, object: ConfigMap, old?: ConfigMap): void => {
    told.push(
      `${what} ${object.metadata.name} ${old === undefined ? '' : `${old.data?.['v']}->`}${object.data?.['v']}`,
    );
  };
  informer.on({
    added: (object) => note('+', object),
    updated: (object, old) => note('~', object, old),
    deleted: (object) => note('-', object),
  });
  return {
    api,
    client,
    clock,
    signal: abort.signal,
    informer,
    seen: () => told.splice(0),
    put: (name, v) =>
      api.all<ConfigMap>('configmaps').some(({ metadata }) => metadata.name === name)
        ? client.patch(configMaps, { namespace: 'd', name }, { kind: 'merge', body: { data: { v } } })
        : client.create(configMaps, { metadata: { namespace: 'd', name }, data: { v } }),
    [Symbol.dispose]: () => stack.dispose(),
  };
}

for (const transport of ['in process', 'port'] as const) {
  test(`Informer over ${transport} lists, then follows every change in order`, async () => {
    using f = fixture(transport);
    await f.put('a', '1');
    f.informer.start(f.signal);
    await f.informer.synced;
    assert.deepEqual(f.seen(), ['+ a 1']);
    await turns(() => f.api.watches === 1);
    await f.put('b', '1');
    await f.put('a', '2');
    await f.client.delete(configMaps, { namespace: 'd', name: 'b' });
    await turns(() => f.informer.size === 1);
    assert.deepEqual(f.seen(), ['+ b 1', '~ a 1->2', '- b 1']);
    assert.deepEqual(
      f.informer.byIndex('value', '2').map((object) => object.metadata.name),
      ['a'],
    );
    assert.deepEqual(f.informer.byIndex('value', '1'), []);
    assert.equal(f.informer.get('d/a')?.data?.['v'], '2');
  });

  test(`Informer over ${transport} resumes where a broken watch ended, and tells of no change twice`, async () => {
    using f = fixture(transport);
    await f.put('a', '1');
    f.informer.start(f.signal);
    await f.informer.synced;
    await turns(() => f.api.watches === 1);
    const requests: string[] = [];
    f.api.intercept = ({ method, query }) => {
      if (method === 'GET') requests.push(query['watch'] === 'true' ? `watch ${query['resourceVersion']}` : 'list');
      return undefined;
    };
    f.api.disconnect();
    await f.put('b', '1');
    await turns(() => f.informer.size === 2);
    assert.deepEqual(f.seen(), ['+ a 1', '+ b 1']);
    assert.deepEqual(requests, ['watch 2']);
  });

  test(`Informer over ${transport} lists anew after 410 and tells only what differs`, async () => {
    using f = fixture(transport);
    for (const name of ['kept', 'gone', 'changed', 'remade']) await f.put(name, '1');
    f.informer.start(f.signal);
    await f.informer.synced;
    await turns(() => f.api.watches === 1);
    f.seen();
    // The next watch is refused until history is gone, so that the changes fall into a gap.
    f.api.intercept = ({ query }) =>
      query['watch'] === 'true' ? failure(410, 'Expired', 'too old resource version') : undefined;
    f.api.disconnect();
    await f.client.delete(configMaps, { namespace: 'd', name: 'gone' });
    await f.client.delete(configMaps, { namespace: 'd', name: 'remade' });
    await f.put('remade', '2');
    await f.put('changed', '2');
    await f.put('new', '1');
    f.api.compact();
    f.api.intercept = undefined;
    for (let i = 0; i < 20 && f.api.watches === 0; i++) await f.clock.advance(10_000);
    await turns(() => f.informer.get('d/new') !== undefined && f.api.watches === 1);
    assert.deepEqual(f.seen().sort(), ['+ new 1', '+ remade 2', '- gone 1', '- remade 1', '~ changed 1->2']);
  });
}

test('Informer backs off while the server is away, twice as long each time', async () => {
  using f = fixture('in process');
  const at: number[] = [];
  const start = f.clock.now();
  f.api.intercept = () => {
    at.push(f.clock.now() - start);
    throw new Error('connection refused');
  };
  f.informer.start(f.signal);
  await turns(() => at.length === 2);
  await f.clock.advance(3_000);
  assert.deepEqual(at, [0, 0, 100, 300, 700, 1500]);
  f.api.intercept = undefined;
  await f.clock.advance(3_200);
  await f.informer.synced;
});

test('Informer.on() tells a late handler of what is there, and disposing stops it', async () => {
  using f = fixture('in process');
  await f.put('a', '1');
  f.informer.start(f.signal);
  await f.informer.synced;
  const seen: string[] = [];
  const registration = f.informer.on({ added: (object) => void seen.push(object.metadata.name) });
  await f.put('b', '1');
  await turns(() => f.informer.size === 2);
  registration[Symbol.dispose]();
  await f.put('c', '1');
  await turns(() => f.informer.size === 3);
  assert.deepEqual(seen, ['a', 'b']);
});

test('Informer goes on when a handler throws', async () => {
  using f = fixture('in process');
  using _bad = f.informer.on({
    added() {
      throw new Error('bad handler');
    },
  });
  f.informer.start(f.signal);
  await f.put('a', '1');
  await turns(() => f.informer.size === 1);
  assert.deepEqual(f.seen(), ['+ a 1']);
});

test('Informer.synced rejects when stopped before the first list', async () => {
  const api = new FakeApi();
  api.intercept = () => failure(503, 'ServiceUnavailable', 'starting');
  const client = createClient(inProcessTransport(api.handle, user));
  const abort = new AbortController();
  const informer = new Informer(client, configMaps, { clock: new ManualClock(), log: silentLog });
  informer.start(abort.signal);
  abort.abort(new Error('stopped'));
  await assert.rejects(informer.synced, { message: 'stopped' });
});

test('Informers shares one informer a resource', async () => {
  using f = fixture('in process');
  const informers = new Informers(f.client, { clock: f.clock, log: silentLog });
  const first = informers.for(configMaps);
  informers.start(f.signal);
  assert.equal(informers.for(configMaps), first);
  await informers.synced();
  await turns(() => f.api.watches > 0);
  assert.equal(f.api.watches, 1);
});

/** What an informer makes of a server that lies about the order of things, over real HTTP. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ConfigMap } from '#api/generated/types.ts';
import type { WatchEvent } from '#api/object.ts';
import { configMaps } from '#api/resource.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { createClient } from './api-client.ts';
import { httpsTransport } from './https-transport.ts';
import { Informer } from './informer.ts';
import { ScriptedServer } from './testing/scripted-server.ts';
import { SteppedClock } from './testing/stepped-clock.ts';
import { turns } from './testing/turns.ts';

function map(name: string, resourceVersion: string, uid: string = name): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'd', uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  };
}

function event(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: ConfigMap): WatchEvent {
  return { type, object };
}

interface Fixture {
  readonly server: ScriptedServer;
  readonly informer: Informer<ConfigMap>;
  /** What handlers were told since the last look: `+ a 5`. */
  seen(): readonly string[];
  /** `d/a MODIFIED is old`, and what else the log says of it. */
  readonly said: string[];
  /** Sends, with a change of `z` behind that is true, and waits until that was read. */
  send(truth: string, ...events: readonly WatchEvent[]): Promise<void>;
}

async function start(
  t: TestContext,
  clock: Clock,
  version: string,
  options: { readonly pageSize?: number | undefined },
  ...items: readonly ConfigMap[]
): Promise<Fixture> {
  const server = await ScriptedServer.start();
  const transport = httpsTransport({
    server: `http://127.0.0.1:${server.port}`,
    insecureSkipTlsVerify: false,
    namespace: 'default',
  });
  const abort = new AbortController();
  t.after(async () => {
    abort.abort(new Error('stopped'));
    transport[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const said: string[] = [];
  const told: string[] = [];
  const log = createLog('client', ({ level, fields }) => {
    if (level !== 'debug' && fields['name'] !== undefined) {
      said.push(['name', 'because', 'text'].flatMap((key) => (key in fields ? [String(fields[key])] : [])).join(' '));
    }
  });
  const informer = new Informer(createClient(transport), configMaps, { ...options, clock, log, random: () => 0 });
  const note = (what: string) => (object: ConfigMap) =>
    told.push(`${what} ${object.metadata.name} ${object.metadata.resourceVersion}`);
  informer.on({ added: note('+'), updated: note('~'), deleted: note('-') });
  server.list('configmaps', version, ...items);
  informer.start(abort.signal);
  await informer.synced;
  await turns(() => server.watches('configmaps') === 1);
  const send = async (truth: string, ...events: readonly WatchEvent[]): Promise<void> => {
    server.send('configmaps', ...events, event('MODIFIED', map('z', truth)));
    await turns(() => informer.get('d/z')?.metadata.resourceVersion === truth);
  };
  return { server, informer, said, send, seen: () => told.splice(0).filter((line) => !line.includes(' z ')) };
}

const z = map('z', '1');

test('nothing goes back to what it was before, and each lie is told once', async (t) => {
  const f = await start(t, systemClock, '5', {}, map('a', '5'), map('b', '3'), z);
  f.seen();
  await f.send(
    '8',
    event('MODIFIED', map('a', '7')),
    event('MODIFIED', map('a', '6')),
    event('MODIFIED', map('a', '7')),
  );
  assert.deepEqual(f.seen(), ['~ a 7']);
  // Of another object an older version may be news all the same.
  await f.send('9', event('MODIFIED', map('b', '4')));
  assert.deepEqual(f.seen(), ['~ b 4']);
  await f.send('12', event('DELETED', map('b', '10')), event('ADDED', map('b', '4')), event('MODIFIED', map('b', '9')));
  assert.deepEqual(f.seen(), ['- b 10']);
  await f.send(
    '14',
    event('ADDED', map('b', '13', 'other')),
    event('DELETED', map('b', '10')),
    event('DELETED', map('b', '10')),
  );
  assert.deepEqual(f.seen(), ['+ b 13']);
  assert.equal(f.informer.get('d/b')?.metadata.uid, 'other');
  assert.equal(f.informer.resourceVersion, '14');
  assert.deepEqual(f.said, [
    'd/a MODIFIED is old',
    'd/b out of order',
    'd/b ADDED is old',
    'd/b MODIFIED is old',
    'd/b DELETED is old',
  ]);
});

test('what makes no sense is passed over, and what comes behind it is not', async (t) => {
  const f = await start(t, systemClock, '5', {}, map('a', '5'), z);
  f.seen();
  const senseless = [
    { type: 'ADDED' },
    { type: 'MODIFIED', object: null },
    { type: 'DELETED', object: { metadata: { resourceVersion: '6' } } },
    { type: 'CHANGED', object: map('a', '6') },
    { object: map('b', '6') },
    { type: 'BOOKMARK', object: { metadata: {} } },
  ] as unknown as WatchEvent[];
  await f.send('8', ...senseless, event('ADDED', map('c', '7')));
  assert.deepEqual(f.seen(), ['+ c 7']);
  assert.deepEqual(
    f.said,
    senseless.map((one) => `event makes no sense ${JSON.stringify(one)}`),
  );
  // Some servers write an empty list so.
  f.server.intercept = ({ line }) =>
    line === 'list configmaps' ? { status: 200, body: { metadata: { resourceVersion: '9' }, items: null } } : undefined;
  f.server.end('configmaps');
  await turns(() => f.informer.size === 0);
});

for (const pageSize of [undefined, 2]) {
  test(`of a list ${pageSize === undefined ? 'that comes whole' : 'in pages'} what makes no sense is said once each, and the rest is taken`, async (t) => {
    const senseless = [
      {},
      { metadata: null, spec: 1 },
      { metadata: { namespace: 'd', resourceVersion: '6' } },
      ...(pageSize === undefined ? [null, 7] : []),
      { metadata: { name: 8, namespace: 'd' } },
    ] as unknown as ConfigMap[];
    const f = await start(t, systemClock, '5', { pageSize }, map('a', '5'), ...senseless, map('b', '4'), z);
    assert.deepEqual(f.seen(), ['+ a 5', '+ b 4']);
    // The watch goes on as from any list, and the same list again says nothing new.
    await f.send('6', event('MODIFIED', map('a', '6')));
    f.server.list('configmaps', '7', map('a', '6'), ...senseless, map('c', '7'), map('z', '6'));
    f.server.send('configmaps', { type: 'ERROR', object: { kind: 'Status', code: 410 } } as WatchEvent);
    await turns(() => f.informer.get('d/c') !== undefined && f.server.watches('configmaps') === 1);
    assert.deepEqual(f.seen(), ['~ a 6', '- b 4', '+ c 7']);
    assert.deepEqual(f.said, [
      'item without a name {}',
      'item without a name {"metadata":null,"spec":1}',
      'item without a name {"metadata":{"namespace":"d","resourceVersion":"6"}}',
      ...(pageSize === undefined ? ['item without a name null', 'item without a name 7'] : []),
      'item without a name {"metadata":{"name":8,"namespace":"d"}}',
    ]);
    assert.equal(f.server.requests.at(-1), 'watch configmaps 7');
  });
}

test('what comes out of place is taken for what it tells', async (t) => {
  const f = await start(t, systemClock, '5', {}, map('a', '5'), z);
  f.seen();
  await f.send(
    '10',
    event('ADDED', map('a', '6')),
    event('MODIFIED', map('new', '7')),
    event('DELETED', map('never', '8')),
  );
  assert.deepEqual(f.seen(), ['~ a 6', '+ new 7']);
  // It went and came again, and nobody said so.
  await f.send('12', event('MODIFIED', map('a', '11', 'another')));
  assert.deepEqual(f.seen(), ['- a 6', '+ a 11']);
  assert.deepEqual(f.said, ['d/a ADDED twice', 'd/new MODIFIED without ADDED', 'd/never DELETED without ADDED']);
});

test('versions that are no numbers cannot be compared, only be the same', async (t) => {
  const f = await start(t, systemClock, 'x', {}, map('a', 'opaque-9'), z);
  f.seen();
  await f.send(
    'y',
    event('MODIFIED', map('a', 'opaque-1')),
    event('MODIFIED', map('a', 'opaque-1')),
    event('DELETED', map('a', 'opaque-0')),
  );
  assert.deepEqual(f.seen(), ['~ a opaque-1', '- a opaque-0']);
  assert.deepEqual(f.said, ['d/a MODIFIED is old']);
  assert.equal(f.informer.resourceVersion, 'y');
});

test('a bookmark that goes back does not take the stream back, and one that goes on does', async (t) => {
  const f = await start(t, systemClock, '5', {}, z);
  await f.send('9', event('BOOKMARK', map('', '3')));
  f.server.send('configmaps', event('BOOKMARK', map('', '20')));
  await turns(() => f.informer.resourceVersion === '20');
  assert.deepEqual(f.said, ['bookmark out of order']);
});

test('after a lie the next watch begins with a list, which makes up for what was kept back; after the truth it goes on', async (t) => {
  const f = await start(t, systemClock, '5', {}, map('a', '5'), map('b', '5'), z);
  f.server.requests.length = 0;
  await f.send('7', event('MODIFIED', map('a', '6')));
  f.server.end('configmaps');
  await turns(() => f.server.requests.length === 1 && f.server.watches('configmaps') === 1);
  await f.send('9', event('MODIFIED', map('a', '6')));
  f.seen();
  // `b` went, and the server said nothing of it.
  f.server.list('configmaps', '11', map('a', '6'), map('z', '9'), map('c', '10'));
  f.server.cut('configmaps');
  await turns(() => f.informer.get('d/c') !== undefined);
  await turns(() => f.server.watches('configmaps') === 1);
  assert.deepEqual(f.seen(), ['- b 5', '+ c 10']);
  await f.send('12');
  f.server.end('configmaps');
  await turns(() => f.server.requests.length === 4 && f.server.watches('configmaps') === 1);
  assert.deepEqual(f.server.requests, [
    'watch configmaps 7',
    'list configmaps',
    'watch configmaps 11',
    'watch configmaps 12',
  ]);
});

test('a replica that is behind is asked again until it is not, and takes nothing back meanwhile', async (t) => {
  const f = await start(t, new SteppedClock(), '50', {}, map('a', '40'), map('b', '30'), z);
  await f.send('55', event('DELETED', map('b', '52')));
  f.seen();
  f.server.list('configmaps', '45', map('a', '39'), map('b', '30'), z);
  let lists = 0;
  f.server.intercept = ({ line }) => {
    if (line.startsWith('watch')) return { status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } };
    if (++lists < 5) return undefined;
    f.server.list('configmaps', '60', map('a', '57'), map('z', '55'));
    f.server.intercept = undefined;
    return undefined;
  };
  f.server.end('configmaps');
  await turns(() => f.informer.get('d/a')?.metadata.resourceVersion === '57' && f.server.watches('configmaps') === 1);
  assert.deepEqual(f.seen(), ['~ a 57']);
  assert.deepEqual(f.said, ['list listed as it was before']);
  assert.deepEqual(f.server.requests.slice(2), [
    'watch configmaps 55',
    ...Array.from({ length: 5 }, () => 'list configmaps'),
    'watch configmaps 60',
  ]);
});

test('a list that is new, with an object that is not, is taken but for that one', async (t) => {
  const f = await start(t, systemClock, '50', {}, map('a', '40'), z);
  await f.send('55', event('MODIFIED', map('a', '52')));
  f.seen();
  f.server.list('configmaps', '60', map('a', '40'), map('new', '58'), map('z', '55'));
  f.server.intercept = ({ line }) => {
    if (line !== 'watch configmaps 55') return undefined;
    return { status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } };
  };
  f.server.end('configmaps');
  await turns(() => f.server.watches('configmaps') === 1 && f.informer.resourceVersion === '60');
  assert.deepEqual(f.seen(), ['+ new 58']);
  // When it stops to lie, all is well: the next watch begins with a list.
  f.server.list('configmaps', '61', map('a', '52'), map('new', '58'), map('z', '55'));
  f.server.end('configmaps');
  await turns(() => f.server.watches('configmaps') === 1 && f.informer.resourceVersion === '61');
  assert.deepEqual(f.seen(), []);
  assert.deepEqual(f.said, ['d/a listed as it was before']);
});

test('a server that lists the older state for minutes is one that was restored from a backup', async (t) => {
  const clock = new SteppedClock();
  const f = await start(t, clock, '50', {}, map('a', '40'), map('b', '45'), z);
  f.seen();
  f.server.list('configmaps', '30', map('a', '20'), map('c', '10'), z);
  f.server.intercept = ({ line }) =>
    line === 'watch configmaps 50'
      ? { status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } }
      : undefined;
  f.server.end('configmaps');
  await turns(() => f.informer.get('d/c') !== undefined && f.server.watches('configmaps') === 1);
  assert.ok(clock.now() > 4 * 60_000, String(clock.now()));
  assert.deepEqual(f.seen(), ['- b 45', '~ a 20', '+ c 10']);
  assert.equal(f.server.requests.at(-1), 'watch configmaps 30');
  await f.send('32', event('ADDED', map('b', '31')));
  assert.deepEqual(f.seen(), ['+ b 31']);
});

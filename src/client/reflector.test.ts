import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import type { ConfigMap } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { configMaps } from '#api/resource.ts';
import { createClient } from './api-client.ts';
import { httpsTransport } from './https-transport.ts';
import { Reflector, type ReflectorStore } from './reflector.ts';

const map = (name: string, version: number): object => ({
  metadata: { namespace: 'd', name, uid: `uid-${name}`, resourceVersion: `${version}` },
});

/** Only names that begin with `a` are held. */
function picky(told: string[]): ReflectorStore<ConfigMap> & { readonly versions: Map<string, string> } {
  const versions = new Map<string, string>();
  return {
    versions,
    holdsAll: false,
    held: ({ metadata }) => {
      const resourceVersion = versions.get(objectKey({ metadata }));
      return resourceVersion === undefined ? undefined : { metadata: { uid: metadata.uid, resourceVersion } };
    },
    set: ({ metadata }) => {
      told.push(`set ${metadata.name} ${metadata.resourceVersion}`);
      if (metadata.name.startsWith('a')) versions.set(objectKey({ metadata }), metadata.resourceVersion);
    },
    delete: ({ metadata }) => {
      told.push(`delete ${metadata.name}`);
      versions.delete(objectKey({ metadata }));
    },
    listing() {
      const unseen = new Set(versions.keys());
      return {
        seen: (object) => void unseen.delete(objectKey(object)),
        dropOthers: (gone) => {
          for (const key of unseen) {
            told.push(`gone ${key}`);
            gone(key);
            versions.delete(key);
          }
        },
      };
    },
  };
}

test('a store that picks out some is told of lists page by page and of every change, and nothing is doubted', async () => {
  const told: string[] = [];
  const asked: string[] = [];
  const logged: string[] = [];
  let lists = 0;
  let watches = 0;
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://api').searchParams;
    response.setHeader('content-type', 'application/json');
    const list = (version: number, items: readonly object[], next?: string): void =>
      void response.end(
        JSON.stringify({
          metadata: { resourceVersion: `${version}`, ...(next === undefined ? {} : { continue: next }) },
          items,
        }),
      );
    if (query.get('watch') === null) {
      asked.push(`list ${query.get('continue') ?? 'start'}`);
      if (query.get('continue') !== null) return list(10, [map('a2', 2), map('b1', 3)]);
      return lists++ === 0 ? list(10, [map('a1', 1)], 'more') : list(30, [map('a2', 21), map('a3', 25)]);
    }
    asked.push(`watch ${query.get('resourceVersion')}`);
    const event = (type: string, object: object): void => void response.write(`${JSON.stringify({ type, object })}\n`);
    if (watches++ === 0) {
      event('MODIFIED', map('b1', 20));
      event('MODIFIED', map('a2', 21));
      event('DELETED', map('b2', 22));
      event('ERROR', { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', metadata: {} });
      response.end();
    } else finish();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = new AbortController();
  const connection = { server: `http://127.0.0.1:${port}`, insecureSkipTlsVerify: false, namespace: 'default' };
  using transport = httpsTransport(connection);
  const log = createLog('test', ({ message }) => logged.push(message));
  const store = picky(told);
  const reflector = new Reflector(createClient(transport), configMaps, store, { clock: systemClock, log, pageSize: 1 });
  reflector.start(stop.signal);
  await reflector.synced;
  await over;
  stop.abort();
  server.close();
  server.closeAllConnections();
  assert.deepEqual(asked, ['list start', 'list more', 'watch 10', 'list start', 'watch 30']);
  assert.deepEqual(told, [
    'set a1 1',
    'set a2 2',
    'set b1 3',
    'set b1 20',
    'set a2 21',
    'delete b2',
    'set a3 25',
    'gone d/a1',
  ]);
  assert.deepEqual(
    [...store.versions],
    [
      ['d/a2', '21'],
      ['d/a3', '25'],
    ],
  );
  assert.deepEqual(logged, ['watch failed']);
});

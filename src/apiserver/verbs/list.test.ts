import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { bodyOf, outcome, show, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

interface List {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly { readonly metadata: { readonly name: string; readonly namespace: string } }[];
}

async function started(...names: readonly string[]): Promise<TestServer> {
  const server = await TestServer.start();
  await server.post('/api/v1/namespaces', { metadata: { name: 'other' } });
  for (const name of names) {
    const [namespace, own] = name.includes('/') ? name.split('/') : ['default', name];
    await server.post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: own, labels: { n: own } } });
  }
  return server;
}

async function listed(server: TestServer, path: string): Promise<string> {
  const { metadata, items } = bodyOf<List>(await server.get(path));
  const names = items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(' ');
  const left = metadata.remainingItemCount === undefined ? '' : ` +${metadata.remainingItemCount}`;
  return `${metadata.resourceVersion}: ${names}${left}`;
}

test('list() is in the order of the keys, with the revision of the store', async () => {
  await using server = await started('c', 'a', 'other/b', 'default/a-b');
  assert.equal(await listed(server, CONFIG_MAPS), '8: default/a default/a-b default/c');
  assert.equal(await listed(server, '/api/v1/configmaps'), '8: default/a default/a-b default/c other/b');
  assert.equal(
    show(await server.get('/api/v1/namespaces/other/configmaps')),
    '200 {"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"8"},"items":[{"kind":"ConfigMap","apiVersion":"v1",' +
      '"metadata":{"resourceVersion":"7","name":"b","namespace":"other","uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"n":"b"}}}]}',
  );
});

const selections = [
  { query: 'labelSelector=n%20in%20(a,c)', found: '7: default/a default/c' },
  { query: 'labelSelector=n!%3Da', found: '7: default/b default/c' },
  { query: 'fieldSelector=metadata.name%3Db', found: '7: default/b' },
  { query: 'fieldSelector=metadata.namespace%3Dother', found: '7: ' },
];

test('list() selects', async (t) => {
  await using server = await started('a', 'b', 'c');
  for (const { query, found } of selections) {
    await t.test(query, async () => assert.equal(await listed(server, `${CONFIG_MAPS}?${query}`), found));
  }
});

test('list() by pages shows one state, whatever happens in between', async () => {
  await using server = await started('a', 'b', 'c', 'd', 'e');
  const first = bodyOf<List>(await server.get(`${CONFIG_MAPS}?limit=2`));
  assert.equal(await listed(server, `${CONFIG_MAPS}?limit=2`), '9: default/a default/b +3');
  await server.delete(`${CONFIG_MAPS}/d`);
  await server.post(CONFIG_MAPS, { metadata: { name: 'bb' } });
  await server.patch(`${CONFIG_MAPS}/e`, 'merge', { data: { new: 'x' } });
  const token = encodeURIComponent(first.metadata.continue ?? '');
  assert.equal(await listed(server, `${CONFIG_MAPS}?limit=2&continue=${token}`), '9: default/c default/d +1');
  const second = bodyOf<List>(await server.get(`${CONFIG_MAPS}?limit=2&continue=${token}`));
  const last = await server.get(
    `${CONFIG_MAPS}?limit=2&continue=${encodeURIComponent(second.metadata.continue ?? '')}`,
  );
  assert.match(
    show(last),
    /"items":\[\{"kind":"ConfigMap","apiVersion":"v1","metadata":\{"resourceVersion":"9","name":"e"/,
  );
  assert.equal(await listed(server, CONFIG_MAPS), '12: default/a default/b default/bb default/c default/e');
});

test('list() at an exact revision', async () => {
  await using server = await started('a', 'b');
  assert.equal(await listed(server, `${CONFIG_MAPS}?resourceVersion=5&resourceVersionMatch=Exact`), '5: default/a');
  assert.equal(await listed(server, `${CONFIG_MAPS}?resourceVersion=5&limit=5`), '5: default/a');
  assert.equal(await listed(server, `${CONFIG_MAPS}?resourceVersion=5`), '6: default/a default/b');
  assert.equal(await listed(server, `${CONFIG_MAPS}?resourceVersion=0&limit=1`), '6: default/a +1');
});

const refusals = [
  {
    query: 'resourceVersion=99',
    answer: '504 Timeout: Timeout: Too large resource version: 99, current: 5',
  },
  {
    query: 'resourceVersion=x',
    answer:
      '400 BadRequest: invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  },
  { query: 'limit=x', answer: '400 BadRequest: strconv.ParseInt: parsing "x": invalid syntax' },
  {
    query: 'continue=x',
    answer: '400 BadRequest: invalid continue token: continue key is not valid: illegal base64 data at input byte 0',
  },
  {
    query: 'continue=x&resourceVersion=3',
    answer: '400 BadRequest: specifying resource version is not allowed when using continue',
  },
  { query: 'fieldSelector=spec.x%3D1', answer: '400 BadRequest: field label not supported: spec.x' },
  {
    query: 'resourceVersionMatch=Exact',
    answer:
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  },
  {
    query: 'resourceVersionMatch=Exact&resourceVersion=0',
    answer:
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
  },
  {
    query: 'sendInitialEvents=true',
    answer:
      '422 Invalid: ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
  },
];

test('list() refuses', async (t) => {
  await using server = await started('a');
  for (const { query, answer } of refusals) {
    await t.test(query, async () => assert.equal(outcome(await server.get(`${CONFIG_MAPS}?${query}`)), answer));
  }
});

test('list() of a state that is forgotten offers to go on with the present one', async () => {
  await using server = await started('a', 'b', 'c');
  const first = bodyOf<List>(await server.get(`${CONFIG_MAPS}?limit=1`));
  for (let i = 0; i < 9_000; i++) {
    // More changes than are remembered.
    await server.patch(`${CONFIG_MAPS}/a`, 'merge', { data: { i: String(i) } });
  }
  const expired = await server.get(
    `${CONFIG_MAPS}?limit=1&continue=${encodeURIComponent(first.metadata.continue ?? '')}`,
  );
  assert.match(
    outcome(expired),
    /^410 Expired: The provided continue parameter is too old to display a consistent list/,
  );
  const { metadata } = bodyOf<List>(expired);
  assert.equal(
    await listed(server, `${CONFIG_MAPS}?limit=1&continue=${encodeURIComponent(metadata.continue ?? '')}`),
    '9007: default/b +1',
  );
  assert.equal(
    outcome(await server.get(`${CONFIG_MAPS}?resourceVersion=7&resourceVersionMatch=Exact`)),
    '410 Expired: too old resource version: 7 (4229)',
  );
});

test('list() goes on with a page for five minutes after it was the present state, whatever else changes', async () => {
  const clock = new ManualClock();
  await using server = await TestServer.start({ clock });
  for (const name of ['a', 'b', 'c']) await server.post(CONFIG_MAPS, { metadata: { name } });
  const first = bodyOf<List>(await server.get(`${CONFIG_MAPS}?limit=1`));
  const next = `${CONFIG_MAPS}?limit=1&continue=${encodeURIComponent(first.metadata.continue ?? '')}`;
  await clock.advance(60_000);
  await server.post('/api/v1/namespaces/default/secrets', { metadata: { name: 's' } });
  await clock.advance(299_000);
  assert.match(await listed(server, next), /^\d+: default\/b \+1$/);
  await clock.advance(1_000);
  assert.match(outcome(await server.get(next)), /^410 Expired: The provided continue parameter is too old/);
  const later = bodyOf<List>(await server.get(`${CONFIG_MAPS}?limit=1`));
  assert.equal(later.items.length, 1);
});

test('list() as a table and as metadata', async () => {
  await using server = await started('a');
  const table = await server.send({
    path: CONFIG_MAPS,
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  });
  const { kind, columnDefinitions, rows } = bodyOf<{
    kind: string;
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object: { kind: string } }[];
  }>(table);
  assert.deepEqual(
    [kind, columnDefinitions.map(({ name }) => name), rows.map(({ cells }) => cells), rows[0]?.object.kind],
    ['Table', ['Name', 'Data', 'Age'], [['a', 0, '0s']], 'PartialObjectMetadata'],
  );
  const metadata = await server.send({
    path: CONFIG_MAPS,
    accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  });
  assert.equal(
    show(metadata),
    '200 {"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"5"},"items":[' +
      '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","namespace":"default","uid":"uid",' +
      '"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"n":"a"},"resourceVersion":"5"}}]}',
  );
});

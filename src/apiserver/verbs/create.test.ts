import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, show, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

test('create() stamps an object and answers with all of it', async () => {
  await using server = await TestServer.start();
  const sent = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'a',
      labels: { x: 'y' },
      uid: 'mine',
      creationTimestamp: '2001-01-01T00:00:00Z',
      selfLink: '/x',
      bogus: 1,
    },
    data: { k: 'v' },
  };
  assert.equal(
    show(await server.post(CONFIG_MAPS, sent)),
    '201 warning: unknown field "metadata.bogus" ' +
      '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"4","name":"a","namespace":"default",' +
      '"uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"x":"y"}},"data":{"k":"v"}}',
  );
});

const refusals = [
  {
    name: 'an object that exists',
    path: CONFIG_MAPS,
    body: { metadata: { name: 'taken' } },
    answer: '409 AlreadyExists: configmaps "taken" already exists',
  },
  {
    name: 'another kind',
    path: CONFIG_MAPS,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
    answer:
      '400 BadRequest: Secret in version "v1" cannot be handled as a ConfigMap: no kind "Secret" is registered for this path, it serves v1, Kind=ConfigMap',
  },
  {
    name: 'another version',
    path: CONFIG_MAPS,
    body: { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' } },
    answer: '400 BadRequest: the API version in the data (v2) does not match the expected API version (v1)',
  },
  {
    name: 'another namespace',
    path: CONFIG_MAPS,
    body: { metadata: { name: 'a', namespace: 'other' } },
    answer: '400 BadRequest: the namespace of the provided object does not match the namespace sent on the request',
  },
  {
    name: 'a namespace that is not there',
    path: '/api/v1/namespaces/nowhere/configmaps',
    body: { metadata: { name: 'a' } },
    answer: '404 NotFound: namespaces "nowhere" not found',
  },
  {
    name: 'no name',
    path: CONFIG_MAPS,
    body: { metadata: {} },
    answer: '422 Invalid: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  },
  {
    name: 'a resourceVersion',
    path: CONFIG_MAPS,
    body: { metadata: { name: 'a', resourceVersion: '5' } },
    answer: '500 -: resourceVersion should not be set on objects to be created',
  },
  {
    name: 'a wrong type',
    path: CONFIG_MAPS,
    body: { metadata: { name: 'a' }, data: { k: 1 } },
    answer:
      '400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  },
  {
    name: 'an unknown field, strictly',
    path: `${CONFIG_MAPS}?fieldValidation=Strict`,
    body: { metadata: { name: 'a' }, date: {} },
    answer:
      '400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "date"',
  },
  {
    name: 'a doubled field, strictly',
    path: `${CONFIG_MAPS}?fieldValidation=Strict`,
    body: '{"metadata":{"name":"a","name":"b"}}',
    answer:
      '400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name"',
  },
  {
    name: 'broken JSON',
    path: CONFIG_MAPS,
    body: '{"metadata":',
    answer: `400 BadRequest: the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({"metadata":)`,
  },
  {
    name: 'a dryRun that is none',
    path: `${CONFIG_MAPS}?dryRun=Some`,
    body: { metadata: { name: 'a' } },
    answer:
      '422 Invalid: CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
  },
];

test('create() refuses', async (t) => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'taken' } });
  for (const { name, path, body, answer } of refusals) {
    await t.test(name, async () => assert.equal(outcome(await server.post(path, body)), answer));
  }
});

test('create() generates names, cut to leave room for the suffix', async () => {
  await using server = await TestServer.start();
  const short = bodyOf<{ metadata: { name: string } }>(
    await server.post(CONFIG_MAPS, { metadata: { generateName: 'x-' } }),
  );
  assert.match(short.metadata.name, /^x-[a-z0-9]{5}$/);
  const long = bodyOf<{ metadata: { name: string } }>(
    await server.post(CONFIG_MAPS, { metadata: { generateName: 'l'.repeat(70) } }),
  );
  assert.match(long.metadata.name, /^l{58}[a-z0-9]{5}$/);
});

test('create() with dryRun=All stores nothing', async () => {
  await using server = await TestServer.start();
  const answer = await server.post(`${CONFIG_MAPS}?dryRun=All`, { metadata: { name: 'a' } });
  assert.equal(
    show(answer),
    '201 {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z"}}',
  );
  assert.equal(outcome(await server.get(`${CONFIG_MAPS}/a`)), '404 NotFound: configmaps "a" not found');
});

test('create() reads YAML', async () => {
  await using server = await TestServer.start();
  const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  on: "yes"\n';
  const answer = await server.send({ method: 'POST', path: CONFIG_MAPS, body, contentType: 'application/yaml' });
  assert.equal(
    show(answer),
    '201 {"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"4","name":"a","namespace":"default",' +
      '"uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z"},"data":{"on":"yes"}}',
  );
});

test('create() refuses a media type that it cannot read', async () => {
  await using server = await TestServer.start();
  const answer = await server.send({ method: 'POST', path: CONFIG_MAPS, body: 'x', contentType: 'application/cbor' });
  assert.equal(
    outcome(answer),
    '415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, plain, TestServer } from '../testing/test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const A = `${CONFIG_MAPS}/a`;

const cases = [
  {
    name: 'merge',
    kind: 'merge',
    body: { data: { k: null, n: 'new' } },
    data: { l: '2', n: 'new' },
  },
  {
    name: 'strategic merge',
    kind: 'strategic-merge',
    body: { data: { k: '9' } },
    data: { k: '9', l: '2' },
  },
  {
    name: 'JSON patch',
    kind: 'json',
    body: [
      { op: 'test', path: '/data/k', value: '1' },
      { op: 'remove', path: '/data/l' },
    ],
    data: { k: '1' },
  },
] as const;

for (const { name, kind, body, data } of cases) {
  test(`patch() applies a ${name}`, async () => {
    await using server = await TestServer.start();
    await server.post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'a' }, data: { k: '1', l: '2' } });
    const answer = await server.patch(A, kind, body);
    assert.deepEqual(bodyOf<{ data: object }>(answer).data, data);
  });
}

const refusals = [
  {
    name: 'a JSON patch whose test fails',
    request: { contentType: 'application/json-patch+json', body: [{ op: 'test', path: '/data/k', value: '9' }] },
    answer: '422 Invalid: the server rejected our request due to an error in our request',
  },
  {
    name: 'another version',
    request: { contentType: 'application/merge-patch+json', body: { metadata: { resourceVersion: '2' } } },
    answer:
      '409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  },
  {
    name: 'another name',
    request: { contentType: 'application/merge-patch+json', body: { metadata: { name: 'b' } } },
    answer: '400 BadRequest: the name of the object (b) does not match the name on the URL (a)',
  },
  {
    name: 'a field that does not exist, strictly',
    request: {
      contentType: 'application/merge-patch+json',
      body: { foo: 1 },
      query: { fieldValidation: 'Strict' },
      path: `${CONFIG_MAPS}/b`,
    },
    answer:
      '422 Invalid:  "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"foo\\":1,\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"b\\",\\"namespace\\":\\"default\\",\\"uid\\":\\"uid\\",\\"resourceVersion\\":\\"5\\",\\"creationTimestamp\\":\\"2026-01-01T00:00:00Z\\"}}": strict decoding error: unknown field "foo"',
  },
  {
    name: 'an unknown kind of patch',
    request: { contentType: 'application/json', body: {} },
    answer:
      '415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor, application/strategic-merge-patch+json',
  },
];

test('patch() refuses', async (t) => {
  await using server = await TestServer.start();
  await server.post(CONFIG_MAPS, { metadata: { name: 'a' }, data: { k: '1' } });
  await server.post(CONFIG_MAPS, { metadata: { name: 'b' } });
  for (const { name, request, answer } of refusals) {
    await t.test(name, async () => {
      assert.equal(plain(outcome(await server.send({ method: 'PATCH', path: A, ...request }))), answer);
    });
  }
});

test('patch() merges ports of a Service by their key', async () => {
  await using server = await TestServer.start();
  const services = '/api/v1/namespaces/default/services';
  const ports = [
    { name: 'http', port: 80 },
    { name: 'https', port: 443 },
  ];
  await server.post(services, { metadata: { name: 's' }, spec: { ports } });
  const answer = await server.patch(`${services}/s`, 'strategic-merge', {
    spec: { ports: [{ port: 443, targetPort: 8443 }] },
  });
  assert.deepEqual(
    bodyOf<{ spec: { ports: object[] } }>(answer).spec.ports,
    [
      { name: 'https', port: 443, protocol: 'TCP', targetPort: 8443 },
      { name: 'http', port: 80, protocol: 'TCP', targetPort: 80 },
    ].reverse(),
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { KindRegistry } from '#api/registry.ts';
import type { ApiResponse } from '#api/request.ts';
import { bodyOf, outcome, show, TestServer } from '../testing/test-server.ts';

async function kinds(...names: readonly string[]): Promise<KindRegistry> {
  return new KindRegistry(new KindRegistry().kinds.filter(({ resource }) => names.includes(resource.plural)));
}

function text(response: ApiResponse): string {
  return response.kind === 'text' ? String(response.body) : show(response).slice('200 '.length);
}

const core =
  '{"kind":"APIResourceList","groupVersion":"v1","resources":[' +
  '{"name":"serviceaccounts","singularName":"serviceaccount","namespaced":true,"kind":"ServiceAccount",' +
  '"verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["sa"]},' +
  '{"name":"serviceaccounts/token","singularName":"","namespaced":true,"group":"authentication.k8s.io","version":"v1","kind":"TokenRequest","verbs":["create"]}]}';

const apps =
  '{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[' +
  '{"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment",' +
  '"verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["deploy"],"categories":["all"]},' +
  '{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]},' +
  '{"name":"deployments/status","singularName":"","namespaced":true,"kind":"Deployment","verbs":["get","patch","update"]}]}';

test('discovery lists resources by group and version', async () => {
  await using server = TestServer.bare({ registry: await kinds('serviceaccounts', 'deployments') });
  assert.equal(text(await server.get('/api/v1')), core);
  assert.equal(text(await server.get('/apis/apps/v1')), apps);
  assert.equal(
    text(await server.get('/apis/apps')),
    '{"kind":"APIGroup","apiVersion":"v1","name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],' +
      '"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}',
  );
  assert.equal(
    text(await server.get('/api')),
    '{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":""}]}',
  );
  const groups = bodyOf<{ groups: { name: string }[] }>(await server.get('/apis')).groups.map(({ name }) => name);
  assert.deepEqual(groups, ['apps', 'authentication.k8s.io', 'authorization.k8s.io']);
});

test('discovery in one answer', async () => {
  await using server = TestServer.bare({ registry: await kinds('serviceaccounts', 'deployments') });
  const accept = (version: string): string =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const answer = await server.send({ path: '/api', accept: accept('v2') });
  assert.equal(answer.kind === 'text' ? answer.contentType : '', accept('v2'));
  assert.equal(
    text(answer),
    '{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":{"creationTimestamp":null},' +
      '"versions":[{"version":"v1","resources":[{"resource":"serviceaccounts","responseKind":{"group":"","version":"v1","kind":"ServiceAccount"},' +
      '"scope":"Namespaced","singularResource":"serviceaccount",' +
      '"verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["sa"],' +
      '"subresources":[{"subresource":"token","responseKind":{"group":"authentication.k8s.io","version":"v1","kind":"TokenRequest"},"verbs":["create"]}]}],' +
      '"freshness":"Current"}]}]}',
  );
  const beta = JSON.parse(text(await server.send({ path: '/apis', accept: accept('v2beta1') })));
  assert.deepEqual(
    [beta.apiVersion, beta.items.map((item: { metadata: { name: string } }) => item.metadata.name)],
    ['apidiscovery.k8s.io/v2beta1', ['apps', 'authentication.k8s.io', 'authorization.k8s.io']],
  );
});

test('openapi is served under the hash of its text', async () => {
  await using server = TestServer.bare({ registry: await kinds('deployments') });
  const index = JSON.parse(text(await server.get('/openapi/v3'))) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  const url = index.paths['apis/apps/v1']?.serverRelativeURL ?? '';
  const answer = await server.get(url);
  assert.equal(answer.kind === 'text' ? answer.headers?.['cache-control'] : '', 'public, immutable');
  assert.ok(JSON.parse(text(answer)).components.schemas['io.k8s.api.apps.v1.Deployment']);
  const v2 = await server.get('/openapi/v2');
  assert.ok(JSON.parse(text(v2)).definitions['io.k8s.api.apps.v1.Deployment']);
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf,application/json';
  const protobuf = await server.send({ path: '/openapi/v2', accept });
  assert.match(protobuf.kind === 'text' ? protobuf.contentType : '', /protobuf$/);
});

const misses = [
  { method: 'GET', path: '/nowhere', answer: '404 text/plain; charset=utf-8 404 page not found\n' },
  { method: 'GET', path: '/apis/nowhere', answer: '404 text/plain; charset=utf-8 404 page not found\n' },
  { method: 'GET', path: '/apis/nowhere/v1/things', answer: '404 text/plain; charset=utf-8 404 page not found\n' },
  { method: 'GET', path: '/openapi/v3/apis/nowhere', answer: '404 text/plain; charset=utf-8 404 page not found\n' },
] as const;

const refusals = [
  {
    method: 'GET',
    path: '/apis/apps/v1/things',
    answer: '404 NotFound: the server could not find the requested resource',
  },
  {
    method: 'GET',
    path: '/apis/apps/v1/namespaces/default/deployments/d/nothing',
    answer: '404 NotFound: the server could not find the requested resource',
  },
  {
    method: 'POST',
    path: '/apis/apps/v1/deployments',
    answer: '405 MethodNotAllowed: the server does not allow this method on the requested resource',
  },
  {
    method: 'PUT',
    path: '/apis/apps/v1/namespaces/default/deployments',
    answer: '405 MethodNotAllowed: the server does not allow this method on the requested resource',
  },
] as const;

test('paths that lead nowhere', async (t) => {
  await using server = TestServer.bare({ registry: await kinds('deployments') });
  for (const { method, path, answer } of misses) {
    await t.test(path, async () => assert.equal(show(await server.send({ method, path })), answer));
  }
  for (const { method, path, answer } of refusals) {
    await t.test(`${method} ${path}`, async () =>
      assert.equal(outcome(await server.send({ method, path, body: {} })), answer),
    );
  }
});

test('a user who may not is told so', async () => {
  await using server = await TestServer.start();
  const user = { username: 'x', groups: ['system:unauthenticated'] };
  const refused = async (path: string): Promise<string> => outcome(await server.send({ path, user }));
  assert.equal(
    await refused('/api/v1/namespaces/default/pods'),
    '403 Forbidden: pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  assert.equal(
    await refused('/apis/apps/v1/namespaces/default/deployments/d/scale'),
    '403 Forbidden: deployments.apps "d" is forbidden: User "x" cannot get resource "deployments/scale" in API group "apps" in the namespace "default"',
  );
  assert.equal(await refused('/apis'), '403 Forbidden: forbidden: User "x" cannot get path "/apis"');
});

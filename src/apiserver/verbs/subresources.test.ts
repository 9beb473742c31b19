import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { bodyOf, outcome, show, TestServer } from '../testing/test-server.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const PODS = '/api/v1/namespaces/default/pods';
const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'host' }] } };

async function deployment(server: TestServer): Promise<string> {
  const spec = { replicas: 1, selector: { matchLabels: { app: 'x' } }, template };
  assert.equal(outcome(await server.post(DEPLOYMENTS, { metadata: { name: 'd' }, spec })), '201');
  return `${DEPLOYMENTS}/d/scale`;
}

async function pod(server: TestServer): Promise<string> {
  assert.equal(outcome(await server.post(PODS, { metadata: { name: 'p' }, spec: template.spec })), '201');
  return `${PODS}/p`;
}

test('scale shows and sets the number of replicas', async () => {
  await using server = await TestServer.start();
  const path = await deployment(server);
  const head = (revision: number): string =>
    '200 {"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"d","namespace":"default","uid":"uid",' +
    `"resourceVersion":"${revision}","creationTimestamp":"2026-01-01T00:00:00Z"}`;
  const tail = (replicas: number): string =>
    `,"spec":{"replicas":${replicas}},"status":{"replicas":0,"selector":"app=x"}}`;
  assert.equal(show(await server.get(path)), head(4) + tail(1));
  assert.equal(show(await server.put(path, { metadata: { name: 'd' }, spec: { replicas: 3 } })), head(5) + tail(3));
  assert.equal(show(await server.patch(path, 'merge', { spec: { replicas: 5 } })), head(6) + tail(5));
  assert.equal(show(await server.patch(path, 'strategic-merge', { spec: { replicas: 6 } })), head(7) + tail(6));
  assert.equal(show(await server.put(path, { metadata: { name: 'd' } })), head(8) + tail(0));
});

test('scale refuses', async (t) => {
  await using server = await TestServer.start();
  const path = await deployment(server);
  const cases = [
    {
      name: 'less than none',
      body: { spec: { replicas: -1 } },
      answer:
        '422 Invalid: Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    },
    {
      name: 'another version',
      body: { metadata: { resourceVersion: '3' }, spec: { replicas: 1 } },
      answer:
        '409 Conflict: Operation cannot be fulfilled on deployments.apps "d": the object has been modified; please apply your changes to the latest version and try again',
    },
  ];
  for (const { name, body, answer } of cases) {
    await t.test(name, async () => assert.equal(outcome(await server.put(path, body)), answer));
  }
});

test('binding puts a Pod on a node, once', async () => {
  await using server = await TestServer.start();
  const path = await pod(server);
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } };
  assert.equal(
    show(await server.post(`${path}/binding`, binding)),
    '201 {"apiVersion":"v1","kind":"Status","metadata":{},"status":"Success","code":201}',
  );
  const { spec, status, metadata } = bodyOf<Pod>(await server.get(path));
  assert.deepEqual(
    [spec.nodeName, status.conditions, metadata.generation],
    ['n1', [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }], 1],
  );
  assert.equal(
    outcome(await server.post(`${path}/binding`, binding)),
    '409 Conflict: Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
  );
});

test('eviction deletes', async () => {
  await using server = await TestServer.start();
  const path = await pod(server);
  assert.equal(outcome(await server.post(`${path}/eviction`, { metadata: { name: 'p' } })), '201');
  assert.equal(outcome(await server.get(path)), '404 NotFound: pods "p" not found');
});

test('eviction takes the version that kubectl sends until 1.21', async () => {
  await using server = await TestServer.start();
  const path = await pod(server);
  const body = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p' } };
  assert.equal(outcome(await server.post(`${path}/eviction`, { ...body, apiVersion: 'policy/v2' })).slice(0, 3), '400');
  assert.equal(outcome(await server.post(`${path}/eviction`, body)), '201');
});

test('token gives a token that says who brings it, as long as its Pod lives', async () => {
  await using server = await TestServer.start();
  const path = await pod(server);
  const { metadata } = bodyOf<Pod>(await server.get(path));
  const tokens = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: metadata.uid };
  const answer = bodyOf<{ spec: object; status: { token: string; expirationTimestamp: string } }>(
    await server.post(tokens, { spec: { boundObjectRef, expirationSeconds: 600 } }),
  );
  assert.equal(answer.status.expirationTimestamp, '2026-01-01T00:10:00Z');
  const review = async (): Promise<unknown> => {
    const reviews = '/apis/authentication.k8s.io/v1/tokenreviews';
    const { status } = bodyOf<{ status: { user: { username?: string; groups?: string[] }; error?: string } }>(
      await server.post(reviews, { spec: { token: answer.status.token } }),
    );
    return status.error ?? [status.user.username, status.user.groups];
  };
  assert.deepEqual(await review(), [
    'system:serviceaccount:default:default',
    ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  ]);
  await server.delete(path);
  assert.equal(await review(), 'invalid bearer token');
});

test('token refuses', async (t) => {
  await using server = await TestServer.start();
  await pod(server);
  const tokens = '/api/v1/namespaces/default/serviceaccounts/default/token';
  const cases = [
    {
      name: 'a moment',
      path: tokens,
      body: { spec: { expirationSeconds: 1 } },
      answer:
        '422 Invalid: TokenRequest.authentication.k8s.io "default" is invalid: spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
    },
    {
      name: 'an unknown account',
      path: '/api/v1/namespaces/default/serviceaccounts/x/token',
      body: {},
      answer: '404 NotFound: serviceaccounts "x" not found',
    },
    {
      name: 'an unknown Pod',
      path: tokens,
      body: { spec: { boundObjectRef: { kind: 'Pod', name: 'x' } } },
      answer: '404 NotFound: pods "x" not found',
    },
    {
      name: 'another Pod of the name',
      path: tokens,
      body: { spec: { boundObjectRef: { kind: 'Pod', name: 'p', uid: 'other' } } },
      answer:
        '409 Conflict: Operation cannot be fulfilled on pods "p": the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated',
    },
  ];
  for (const { name, path, body, answer } of cases) {
    await t.test(name, async () => assert.equal(outcome(await server.post(path, body)), answer));
  }
});

test('reviews answer what they are asked', async () => {
  await using server = await TestServer.start();
  const stamp = '"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"}';
  assert.equal(
    show(await server.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {})),
    `201 {"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1",${stamp},` +
      '"status":{"userInfo":{"username":"admin","groups":["system:masters","system:authenticated"]}}}',
  );
  const spec = { resourceAttributes: { verb: 'create', resource: 'pods', namespace: 'default' } };
  assert.equal(
    show(await server.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec })),
    `201 {"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1",${stamp},` +
      '"spec":{"resourceAttributes":{"verb":"create","resource":"pods","namespace":"default"}},"status":{"allowed":true}}',
  );
  const stranger = await server.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    spec: { ...spec, user: 'x' },
  });
  assert.deepEqual(bodyOf<{ status: object }>(stranger).status, { allowed: false });
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { UserInfo } from '#api/request.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { bodyOf, outcome, TestServer } from '../../testing/test-server.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const DEFAULT = `${RBAC}/namespaces/default`;
const jane: UserInfo = { username: 'jane', groups: ['dev', 'system:authenticated'] };
const account: UserInfo = {
  username: 'system:serviceaccount:default:default',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
};

function start(): Promise<TestServer> {
  return TestServer.start({ defaultPolicy: true });
}

function binding(name: string, role: string, subject: object): object {
  const [kind, roleName] = role.split('/');
  return { metadata: { name }, roleRef: { kind, name: roleName }, subjects: [subject] };
}

const janes = (name: string, role: string): object => binding(name, role, { kind: 'User', name: 'jane' });

function role(name: string, rules: readonly object[], more: object = {}): object {
  return { metadata: { name, ...more }, rules };
}

const readPods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };

test('what who may do', async (t) => {
  await using server = await start();
  await server.post(`${DEFAULT}/roles`, role('reader', [readPods]));
  await server.post(`${DEFAULT}/rolebindings`, janes('reads', 'Role/reader'));
  await server.post(`${DEFAULT}/rolebindings`, janes('lost', 'ClusterRole/gone'));
  await server.post(`${DEFAULT}/rolebindings`, binding('devs', 'ClusterRole/view', { kind: 'Group', name: 'viewers' }));
  await server.post(
    `${DEFAULT}/roles`,
    role('one', [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] }]),
  );
  await server.post(`${DEFAULT}/rolebindings`, janes('one', 'Role/one'));
  const viewer = { username: 'v', groups: ['viewers', 'system:authenticated'] };
  const kubelet = { username: 'system:nodes', groups: ['system:nodes', 'system:authenticated'] };
  const proxy = { username: 'system:kube-proxy', groups: ['system:node-proxier', 'system:authenticated'] };
  const anonymous = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
  const cases: readonly (readonly [UserInfo, string, string])[] = [
    [jane, '/api/v1/namespaces/default/pods', '200'],
    [jane, '/api/v1/namespaces/default/pods/x', '404 NotFound: pods "x" not found'],
    [
      jane,
      '/api/v1/namespaces/default/pods/x/log',
      '403 Forbidden: pods "x" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    ],
    [
      jane,
      '/api/v1/pods',
      '403 Forbidden: pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope',
    ],
    [
      jane,
      '/apis/apps/v1/namespaces/other/deployments',
      '403 Forbidden: deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" in the namespace "other"',
    ],
    [jane, '/api/v1/namespaces/default/secrets/mine', '404 NotFound: secrets "mine" not found'],
    [jane, '/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dmine', '200'],
    [
      jane,
      '/api/v1/namespaces/default/secrets/other',
      '403 Forbidden: secrets "other" is forbidden: User "jane" cannot get resource "secrets" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    ],
    [jane, '/apis', '200'],
    [jane, '/healthz', '200'],
    [jane, '/metrics', '403 Forbidden: forbidden: User "jane" cannot get path "/metrics"'],
    [viewer, '/api/v1/namespaces/default', '200'],
    [
      viewer,
      '/api/v1/namespaces/kube-system',
      '403 Forbidden: namespaces "kube-system" is forbidden: User "v" cannot get resource "namespaces" in API group "" in the namespace "kube-system"',
    ],
    [viewer, '/api/v1/namespaces/default/services', '200'],
    [
      viewer,
      '/api/v1/namespaces/default/secrets',
      '403 Forbidden: secrets is forbidden: User "v" cannot list resource "secrets" in API group "" in the namespace "default"',
    ],
    [
      account,
      '/api/v1/namespaces/default/services/kubernetes',
      '403 Forbidden: services "kubernetes" is forbidden: User "system:serviceaccount:default:default" cannot get resource "services" in API group "" in the namespace "default"',
    ],
    [account, '/api', '200'],
    [account, '/openid/v1/jwks', '200'],
    [kubelet, '/api/v1/pods', '200'],
    [kubelet, '/api/v1/namespaces/default/secrets/x', '404 NotFound: secrets "x" not found'],
    [proxy, '/api/v1/services', '200'],
    [proxy, '/apis/discovery.k8s.io/v1/endpointslices', '200'],
    [proxy, '/api/v1/namespaces', '200'],
    [
      proxy,
      '/api/v1/secrets',
      '403 Forbidden: secrets is forbidden: User "system:kube-proxy" cannot list resource "secrets" in API group "" at the cluster scope',
    ],
    [anonymous, '/version', '200'],
    [anonymous, '/api', '403 Forbidden: forbidden: User "system:anonymous" cannot get path "/api"'],
  ];
  for (const [user, path, answer] of cases) {
    await t.test(`${user.username} ${path}`, async () =>
      assert.equal(outcome(await server.send({ path, user })), answer),
    );
  }
  await t.test('a watch of one object shows no other', async () => {
    const rules = [{ verbs: ['watch'], apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'] }];
    await server.put(`${DEFAULT}/roles/one`, role('one', rules));
    for (const name of ['other', 'mine'])
      await server.post('/api/v1/namespaces/default/secrets', { metadata: { name } });
    for (const path of [
      '/api/v1/watch/namespaces/default/secrets/mine',
      '/api/v1/namespaces/default/secrets?watch=1&fieldSelector=metadata.name%3Dmine',
    ]) {
      await using watch = await server.watch(path, { user: jane });
      assert.match((await watch.next(1)).join(), /^ADDED default\/mine /);
    }
  });
  await t.test('a binding that is gone binds no more', async () => {
    await server.delete(`${DEFAULT}/rolebindings/reads`);
    const answer = await server.send({ path: '/api/v1/namespaces/default/pods', user: jane });
    assert.match(outcome(answer), /^403 /);
  });
});

const writes = [
  {
    name: 'a role with rights that one has not',
    path: `${DEFAULT}/roles`,
    body: role('more', [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods', 'secrets'] }]),
    answer:
      '403 Forbidden: roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["pods"], Verbs:["watch"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
  },
  { name: 'a role within one’s rights', path: `${DEFAULT}/roles`, body: role('less', [readPods]), answer: '201' },
  {
    name: 'a binding to more',
    path: `${DEFAULT}/rolebindings`,
    body: janes('up', 'ClusterRole/system:node-bootstrapper'),
    answer:
      '403 Forbidden: rolebindings.rbac.authorization.k8s.io "up" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:["certificates.k8s.io"], Resources:["certificatesigningrequests"], Verbs:["create" "get" "list" "watch"]}',
  },
  {
    name: 'a binding to nothing',
    path: `${DEFAULT}/rolebindings`,
    body: janes('no', 'ClusterRole/none'),
    answer: '404 NotFound: clusterroles.rbac.authorization.k8s.io "none" not found',
  },
  {
    name: 'a role that one may bind',
    path: `${DEFAULT}/rolebindings`,
    body: janes('edits', 'ClusterRole/edit'),
    answer: '201',
  },
] as const;

test('nobody hands out more than they have', async (t) => {
  await using server = await start();
  const grants = {
    verbs: ['create', 'update', 'patch'],
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
  };
  const bind = { ...grants, verbs: ['bind'], resources: ['clusterroles'], resourceNames: ['edit'] };
  await server.post(`${DEFAULT}/roles`, role('granter', [readPods, grants, bind]));
  await server.post(`${DEFAULT}/rolebindings`, janes('grants', 'Role/granter'));
  for (const { name, path, body, answer } of writes) {
    await t.test(name, async () =>
      assert.equal(outcome(await server.send({ method: 'POST', path, body, user: jane })), answer),
    );
  }
  await t.test('nor by a patch', async () => {
    const body = { rules: [readPods, { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] };
    const contentType = 'application/merge-patch+json';
    const path = `${DEFAULT}/roles/less`;
    assert.equal(
      outcome(await server.send({ method: 'PATCH', path, body, contentType, user: jane })),
      '403 Forbidden: roles.rbac.authorization.k8s.io "less" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
    );
  });
});

test('a role that gathers others has their rules, old and new', async () => {
  await using server = await start();
  const rules = async (name: string): Promise<string> =>
    JSON.stringify(bodyOf(await server.get(`${RBAC}/clusterroles/${name}`))['rules']);
  for (const name of ['view', 'edit', 'admin']) assert.match(await rules(name), /"services\/status"/, name);
  assert.doesNotMatch(await rules('view'), /secrets/);
  assert.match(await rules('edit'), /secrets/);
  assert.match(await rules('admin'), /rolebindings/);
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const rule = { verbs: ['get'], apiGroups: ['example.com'], resources: ['crontabs'] };
  await server.post(`${DEFAULT}/rolebindings`, janes('a', 'ClusterRole/admin'));
  await using watch = await server.watch(`${RBAC}/clusterroles?watch=1&fieldSelector=metadata.name%3Dadmin`);
  assert.match((await watch.next(1)).join(), /^ADDED admin /);
  await server.post(`${RBAC}/clusterroles`, role('crontabs', [rule], { labels }));
  assert.match((await watch.next(1)).join(), /^MODIFIED admin /);
  for (const name of ['view', 'edit', 'admin']) assert.match(await rules(name), /crontabs/, name);
  await server.delete(`${RBAC}/clusterroles/crontabs`);
  assert.match((await watch.next(1)).join(), /^MODIFIED admin /);
  assert.doesNotMatch(await rules('admin'), /crontabs/);
});

test('the default policy is made once, and what is taken from it comes back at the next start', async () => {
  const store = new MemoryStore();
  {
    await using server = await TestServer.start({ store, defaultPolicy: true });
    const count = async (plural: string): Promise<number> =>
      bodyOf<{ items: unknown[] }>(await server.get(`${RBAC}/${plural}`)).items.length;
    assert.deepEqual(
      [
        await count('clusterroles'),
        await count('clusterrolebindings'),
        await count('roles'),
        await count('rolebindings'),
      ],
      [65, 46, 7, 7],
    );
    await server.patch(`${RBAC}/clusterroles/system:kube-dns`, 'merge', { rules: [] });
    await server.delete(`${RBAC}/clusterrolebindings/cluster-admin`);
    await server.patch(`${RBAC}/clusterroles/system:coredns`, 'merge', {
      metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
      rules: [],
    });
  }
  await using server = TestServer.bare({ store, defaultPolicy: true });
  const rules = async (name: string): Promise<unknown> =>
    bodyOf(await server.get(`${RBAC}/clusterroles/${name}`))['rules'];
  assert.deepEqual(await rules('system:kube-dns'), [
    { apiGroups: [''], resources: ['endpoints'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
  ]);
  assert.deepEqual(await rules('system:coredns'), []);
  assert.equal(outcome(await server.get(`${RBAC}/clusterrolebindings/cluster-admin`)), '200');
});

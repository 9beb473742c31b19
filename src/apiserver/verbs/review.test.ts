import assert from 'node:assert/strict';
import test from 'node:test';
import type { UserInfo } from '#api/request.ts';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const AUTHORIZATION = '/apis/authorization.k8s.io/v1';
const REVIEWS = `${AUTHORIZATION}/subjectaccessreviews`;
const LOCAL = `${AUTHORIZATION}/namespaces/default/localsubjectaccessreviews`;
const SELF = `${AUTHORIZATION}/selfsubjectaccessreviews`;
const jane: UserInfo = { username: 'jane', groups: ['system:authenticated'] };

const pods = { verb: 'list', resource: 'pods', namespace: 'default' };
const onBehalf = (more: object): object => ({ spec: { user: 'jane', groups: ['ops'], ...more } });

const answers = [
  {
    name: 'by a RoleBinding to a group',
    path: REVIEWS,
    body: onBehalf({ resourceAttributes: pods }),
    status: {
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "ops/default" of ClusterRole "view" to Group "ops"',
    },
  },
  {
    name: 'by a ClusterRoleBinding to an account',
    path: REVIEWS,
    body: {
      spec: {
        user: 'system:serviceaccount:kube-system:coredns',
        resourceAttributes: { verb: 'watch', group: 'discovery.k8s.io', resource: 'endpointslices' },
      },
    },
    status: {
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:coredns" of ClusterRole "system:coredns" to ServiceAccount "coredns/kube-system"',
    },
  },
  {
    name: 'elsewhere',
    path: REVIEWS,
    body: onBehalf({ resourceAttributes: { ...pods, namespace: 'x' } }),
    status: { allowed: false },
  },
  {
    name: 'a path',
    path: REVIEWS,
    body: { spec: { groups: ['system:unauthenticated'], nonResourceAttributes: { verb: 'get', path: '/healthz' } } },
    status: {
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated"',
    },
  },
  {
    name: 'a master',
    path: REVIEWS,
    body: { spec: { groups: ['system:masters'], resourceAttributes: { verb: '*', group: '*', resource: '*' } } },
    status: { allowed: true },
  },
  {
    name: 'in a namespace',
    path: LOCAL,
    body: onBehalf({ resourceAttributes: pods }),
    status: {
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "ops/default" of ClusterRole "view" to Group "ops"',
    },
  },
  { name: 'oneself', path: SELF, body: { spec: { resourceAttributes: pods } }, status: { allowed: false }, user: jane },
];

const refusals = [
  {
    name: 'nothing asked',
    path: REVIEWS,
    body: onBehalf({}),
    answer:
      '422 Invalid: SubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
  },
  {
    name: 'two things asked',
    path: SELF,
    body: { spec: { resourceAttributes: pods, nonResourceAttributes: { verb: 'get', path: '/' } } },
    answer:
      '422 Invalid: SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"verb":"get","path":"/"}: cannot be specified in combination with resourceAttributes',
  },
  {
    name: 'about nobody',
    path: REVIEWS,
    body: { spec: { resourceAttributes: pods } },
    answer:
      '422 Invalid: SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
  },
  {
    name: 'about another namespace',
    path: LOCAL,
    body: onBehalf({ resourceAttributes: { ...pods, namespace: 'x' } }),
    answer: '400 BadRequest: spec.resourceAttributes.namespace must match namespace: default',
  },
  {
    name: 'rules of no namespace',
    path: `${AUTHORIZATION}/selfsubjectrulesreviews`,
    body: { spec: {} },
    answer: '400 BadRequest: no namespace on request',
  },
  {
    name: 'no token',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: { spec: {} },
    answer: '400 BadRequest: token is required for TokenReview in authentication',
  },
  {
    name: 'a namespaced review without its namespace',
    path: `${AUTHORIZATION}/localsubjectaccessreviews`,
    body: onBehalf({ resourceAttributes: pods }),
    answer: '404 NotFound: the server could not find the requested resource',
  },
] as const;

async function start(): Promise<TestServer> {
  const server = await TestServer.start({ defaultPolicy: true });
  await server.post('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    metadata: { name: 'ops' },
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'Group', name: 'ops' }],
  });
  return server;
}

test('access reviews', async (t) => {
  await using server = await start();
  for (const { name, path, body, status, user } of answers) {
    await t.test(name, async () => {
      const answer = await server.send({ method: 'POST', path, body, ...(user === undefined ? {} : { user }) });
      assert.deepEqual([answer.status, bodyOf(answer)['status']], [201, status]);
    });
  }
  for (const { name, path, body, answer } of refusals) {
    await t.test(name, async () => assert.equal(outcome(await server.post(path, body)), answer));
  }
});

test('the rules of oneself', async () => {
  await using server = await start();
  const review = async (groups: readonly string[]): Promise<unknown> => {
    const path = `${AUTHORIZATION}/selfsubjectrulesreviews`;
    const user = { username: 'x', groups };
    return bodyOf(await server.send({ method: 'POST', path, body: { spec: { namespace: 'default' } }, user }))[
      'status'
    ];
  };
  assert.deepEqual(await review(['system:masters']), {
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  });
});

test('whose a token is', async () => {
  await using server = await start();
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const granted = bodyOf<{ status: { token: string } }>(
    await server.post('/api/v1/namespaces/default/serviceaccounts/default/token', {}),
  );
  const known = bodyOf<{ status: { authenticated: boolean; user: { username: string } } }>(
    await server.post(path, { spec: { token: granted.status.token } }),
  );
  assert.deepEqual(
    [known.status.authenticated, known.status.user.username],
    [true, 'system:serviceaccount:default:default'],
  );
  assert.deepEqual(bodyOf(await server.post(path, { spec: { token: 'x.y.z' } }))['status'], {
    user: {},
    error: 'invalid bearer token',
  });
});

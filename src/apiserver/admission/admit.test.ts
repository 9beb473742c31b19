import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node, Pod } from '#api/generated/types.ts';
import { ManualClock } from '#base/clock.ts';
import { bodyOf, outcome, plain, TestServer } from '../testing/test-server.ts';

const PODS = '/api/v1/namespaces/default/pods';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const CONTAINERS = [{ name: 'c', image: 'host' }];

async function podSpec(server: TestServer, spec: object): Promise<Pod['spec']> {
  const answer = await server.post(PODS, {
    metadata: { generateName: 'p-' },
    spec: { containers: CONTAINERS, ...spec },
  });
  assert.equal(outcome(answer), '201');
  return bodyOf<Pod>({
    ...answer,
    text: undefined,
    body: JSON.parse(plain(JSON.stringify(bodyOf(answer)))),
  } as typeof answer).spec;
}

test('a Pod gets the account of its namespace and its token', async () => {
  await using server = await TestServer.start();
  const { serviceAccountName, serviceAccount, volumes, containers } = await podSpec(server, {});
  assert.deepEqual(
    { serviceAccountName, serviceAccount, volumes, mounts: containers[0]?.volumeMounts },
    {
      serviceAccountName: 'default',
      serviceAccount: 'default',
      mounts: [
        {
          name: 'kube-api-access-xxxxx',
          readOnly: true,
          mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        },
      ],
      volumes: [
        {
          name: 'kube-api-access-xxxxx',
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
                },
              },
            ],
          },
        },
      ],
    },
  );
});

test('a Pod or its account may do without a token', async () => {
  await using server = await TestServer.start();
  assert.equal((await podSpec(server, { automountServiceAccountToken: false })).volumes, undefined);
  await server.post(ACCOUNTS, { metadata: { name: 'shy' }, automountServiceAccountToken: false });
  assert.equal((await podSpec(server, { serviceAccountName: 'shy' })).volumes, undefined);
  const own = [{ name: 'v', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }];
  const spec = await podSpec(server, {
    containers: [{ name: 'c', image: 'host', volumeMounts: own }],
    volumes: [{ name: 'v', emptyDir: {} }],
  });
  assert.deepEqual(
    spec.volumes?.map(({ name }) => name),
    ['v'],
  );
});

test('a Pod of an account that is not there is refused, one of the default account waits for it', async () => {
  const clock = new ManualClock();
  await using server = await TestServer.start({ clock });
  const refused = await server.post(PODS, {
    metadata: { name: 'p' },
    spec: { containers: CONTAINERS, serviceAccountName: 'x' },
  });
  assert.equal(
    outcome(refused),
    '403 Forbidden: pods "p" is forbidden: error looking up service account default/x: serviceaccount "x" not found',
  );
  await server.post('/api/v1/namespaces', { metadata: { name: 'new' } });
  const body = { metadata: { name: 'p' }, spec: { containers: CONTAINERS } };
  const waiting = server.post('/api/v1/namespaces/new/pods', body);
  await server.post('/api/v1/namespaces/new/serviceaccounts', { metadata: { name: 'default' } });
  assert.equal(outcome(await waiting), '201');
  await server.post('/api/v1/namespaces', { metadata: { name: 'slow' } });
  const inVain = server.post('/api/v1/namespaces/slow/pods', body);
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(1_000);
  assert.equal(
    outcome(await inVain),
    '403 Forbidden: pods "p" is forbidden: error looking up service account slow/default: serviceaccount "default" not found',
  );
});

test('a Pod tolerates the troubles of its node for five minutes, unless it says otherwise', async () => {
  await using server = await TestServer.start();
  const added = (key: string): object => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  assert.deepEqual((await podSpec(server, {})).tolerations, [
    added('node.kubernetes.io/not-ready'),
    added('node.kubernetes.io/unreachable'),
  ]);
  const own = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 };
  assert.deepEqual((await podSpec(server, { tolerations: [own] })).tolerations, [
    own,
    added('node.kubernetes.io/unreachable'),
  ]);
  const all = { operator: 'Exists' };
  assert.deepEqual((await podSpec(server, { tolerations: [all] })).tolerations, [all]);
});

test('a Pod has the priority of its class, of the default class, or none', async () => {
  await using server = await TestServer.start();
  const shown = async (spec: object): Promise<unknown[]> => {
    const { priority, priorityClassName, preemptionPolicy } = await podSpec(server, spec);
    return [priority, priorityClassName, preemptionPolicy];
  };
  assert.deepEqual(await shown({}), [0, undefined, 'PreemptLowerPriority']);
  const node = 'system-node-critical';
  assert.deepEqual(await shown({ priorityClassName: node }), [2_000_001_000, node, 'PreemptLowerPriority']);
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
  await server.post(classes, { metadata: { name: 'usual' }, value: 7, globalDefault: true, preemptionPolicy: 'Never' });
  assert.deepEqual(await shown({}), [7, 'usual', 'Never']);
  const refused = await server.post(PODS, {
    metadata: { name: 'p' },
    spec: { containers: CONTAINERS, priorityClassName: 'x' },
  });
  assert.equal(outcome(refused), '403 Forbidden: pods "p" is forbidden: no PriorityClass with name x was found');
});

test('a Pod behind a gate says so from the first moment on', async () => {
  await using server = await TestServer.start();
  const metadata = { name: 'gated' };
  const spec = { containers: CONTAINERS, schedulingGates: [{ name: 'example.com/wait' }] };
  const { status } = bodyOf<Pod>(await server.post(PODS, { metadata, spec }));
  assert.deepEqual(
    status.conditions?.map(({ type, status: is, reason, message }) => [type, is, reason, message]),
    [['PodScheduled', 'False', 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates']],
  );
});

test('a new node is tainted until somebody knows that it is ready', async () => {
  await using server = await TestServer.start();
  const taintsOf = async (name: string, taints: readonly object[]): Promise<unknown> =>
    bodyOf<Node>(await server.post('/api/v1/nodes', { metadata: { name }, spec: { taints } })).spec.taints;
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  const own = { key: 'a', effect: 'NoExecute' };
  assert.deepEqual(await taintsOf('a', []), [notReady]);
  assert.deepEqual(await taintsOf('b', [own]), [own, notReady]);
  assert.deepEqual(await taintsOf('c', [notReady, own]), [notReady, own]);
});

test('a Pod keeps its patience with nodes in trouble, whatever tolerations it is given', async () => {
  await using server = await TestServer.start();
  await server.post(PODS, { metadata: { name: 'p' }, spec: { containers: CONTAINERS } });
  const tolerations = [{ key: 'foo', operator: 'Equal', value: 'bar', effect: 'NoSchedule' }];
  const answer = await server.patch(`${PODS}/p`, 'merge', { spec: { tolerations } });
  const { spec: next } = bodyOf<{ spec: { tolerations: { key: string }[] } }>(answer);
  assert.deepEqual(
    next.tolerations.map(({ key }) => key),
    ['foo', 'node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'],
  );
});

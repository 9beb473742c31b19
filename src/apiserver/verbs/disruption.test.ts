import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const PODS = '/api/v1/namespaces/default/pods';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

async function withPods(server: TestServer, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'host' }] };
    await server.post(PODS, { metadata: { name, labels: { app: 'web' } }, spec });
    await ready(server, name, 'True');
  }
}

function ready(server: TestServer, name: string, status: string): Promise<unknown> {
  const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status }] } };
  return server.patch(`${PODS}/${name}/status`, 'merge', body);
}

async function withBudget(server: TestServer, name: string, status: object): Promise<void> {
  await server.post(BUDGETS, {
    metadata: { name },
    spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
  });
  await server.patch(`${BUDGETS}/${name}/status`, 'merge', { status });
}

async function evict(server: TestServer, name: string, query: string = ''): Promise<string> {
  const answer = await server.post(`${PODS}/${name}/eviction${query}`, { metadata: { name } });
  const { details } = bodyOf<{ details?: { causes?: { message: string }[]; retryAfterSeconds?: number } }>(answer);
  const cause = details?.causes?.[0]?.message;
  const retry = answer.kind === 'object' ? answer.headers?.['retry-after'] : undefined;
  assert.equal(retry, details?.retryAfterSeconds?.toString());
  return `${outcome(answer)}${cause === undefined ? '' : ` (${cause})`}${retry === undefined ? '' : ` in ${retry} s`}`;
}

const TOO_MANY = "429 TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget.";

test('an eviction spends a disruption of the budget', async () => {
  await using server = await TestServer.start();
  await withPods(server, 'a', 'b', 'c');
  await withBudget(server, 'web', {});
  assert.equal(
    await evict(server, 'a'),
    `${TOO_MANY} (The disruption budget web is still being processed by the server.) in 10 s`,
  );
  const counted = {
    observedGeneration: 1,
    disruptionsAllowed: 1,
    currentHealthy: 3,
    desiredHealthy: 2,
    expectedPods: 3,
  };
  await server.patch(`${BUDGETS}/web/status`, 'merge', { status: counted });
  assert.equal(await evict(server, 'a', '?dryRun=All'), '201');
  assert.equal(await evict(server, 'gone'), '404 NotFound: pods "gone" not found');
  const both = await Promise.all([evict(server, 'a'), evict(server, 'b')]);
  assert.deepEqual(both, ['201', `${TOO_MANY} (The disruption budget web needs 2 healthy pods and has 3 currently)`]);
  const { status } = bodyOf<{ status: object }>(await server.get(`${BUDGETS}/web`));
  assert.deepEqual(status, {
    ...counted,
    disruptionsAllowed: 0,
    disruptedPods: { a: '2026-01-01T00:00:00Z' },
    conditions: [
      {
        type: 'DisruptionAllowed',
        status: 'False',
        reason: 'InsufficientPods',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ],
  });
  const pod = bodyOf<{ metadata: { deletionTimestamp?: string }; status: { conditions: { type: string }[] } }>(
    await server.get(`${PODS}/a`),
  );
  assert.equal(pod.metadata.deletionTimestamp, '2026-01-01T00:00:30Z');
  assert.deepEqual(
    pod.status.conditions.map(({ type }) => type),
    ['Ready', 'DisruptionTarget'],
  );
});

test('who needs no budget, and who has too many', async () => {
  await using server = await TestServer.start();
  await withPods(server, 'a', 'b', 'c');
  const full = { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 };
  await withBudget(server, 'web', full);
  await ready(server, 'a', 'False');
  assert.equal(await evict(server, 'a'), '201', 'not ready, and the budget is met without it');
  await server.patch(`${PODS}/b/status`, 'merge', { status: { phase: 'Succeeded' } });
  assert.equal(await evict(server, 'b'), '201');
  await withBudget(server, 'other', full);
  assert.match(
    await evict(server, 'c'),
    /^500 InternalError: Internal error occurred: This pod has more than one PodDisruptionBudget/,
  );
});

test('ephemeral containers are added and never changed', async (t) => {
  await using server = await TestServer.start();
  await withPods(server, 'a');
  const path = `${PODS}/a/ephemeralcontainers`;
  const patch = async (...ephemeralContainers: readonly object[]): Promise<string> =>
    outcome(await server.patch(path, 'strategic-merge', { spec: { ephemeralContainers } }));
  const one = { name: 'debug', image: 'host', targetContainerName: 'c', stdin: true, tty: true };
  assert.equal(await patch(one), '200');
  const pod = bodyOf<{ metadata: { generation: number }; spec: { ephemeralContainers: object[] } }>(
    await server.get(path),
  );
  assert.deepEqual(pod.spec.ephemeralContainers, [
    {
      name: 'debug',
      image: 'host',
      targetContainerName: 'c',
      stdin: true,
      tty: true,
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'Always',
    },
  ]);
  assert.equal(pod.metadata.generation, 2);
  const cases = [
    [
      { name: 'debug', image: 'new' },
      'spec.ephemeralContainers[0]: Forbidden: existing ephemeral containers "debug" may not be changed\n',
    ],
    [{ name: 'c', image: 'host' }, 'spec.ephemeralContainers[0].name: Duplicate value: "c"'],
    [
      { name: 'x', image: 'host', ports: [{ containerPort: 1 }] },
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
    ],
    [
      { name: 'x', image: 'host', targetContainerName: 'y' },
      'spec.ephemeralContainers[0].targetContainerName: Not found: "y"',
    ],
    [{ name: 'x' }, 'spec.ephemeralContainers[0].image: Required value'],
  ] as const;
  for (const [container, answer] of cases) {
    await t.test(JSON.stringify(container), async () =>
      assert.equal(await patch(container), `422 Invalid: Pod "a" is invalid: ${answer}`),
    );
  }
  assert.equal(
    outcome(await server.patch(path, 'merge', { spec: { ephemeralContainers: [] } })),
    '422 Invalid: Pod "a" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
  );
  const changed = await server.patch(`${PODS}/a`, 'strategic-merge', {
    spec: { ephemeralContainers: [{ name: 'z', image: 'host' }] },
  });
  assert.match(
    outcome(changed),
    /^422 Invalid: Pod "a" is invalid: spec: Forbidden: pod updates may not change fields/,
  );
});

test('a Binding may be posted by itself', async () => {
  await using server = await TestServer.start();
  await server.post(PODS, { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'host' }] } });
  const bindings = '/api/v1/namespaces/default/bindings';
  const body = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } };
  assert.equal(outcome(await server.post(bindings, body)), '201');
  assert.equal(bodyOf<{ spec: { nodeName: string } }>(await server.get(`${PODS}/a`)).spec.nodeName, 'n1');
  assert.match(outcome(await server.post(bindings, body)), /^409 Conflict: .*pod a is already assigned to node "n1"$/);
  assert.equal(
    outcome(await server.post(bindings, {})),
    '422 Invalid: Binding "" is invalid: metadata.name: Required value',
  );
  assert.equal(
    outcome(await server.get(bindings)),
    '405 MethodNotAllowed: the server does not allow this method on the requested resource',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api/generated/types.ts';
import type { ApiResponse } from '#api/request.ts';
import { podDisruptionBudgets, pods as podResource, replicaSets } from '#api/resource.ts';
import { notFoundStatus } from '#api/status.ts';
import { controlPlane } from '../control-plane-fixture.ts';
import { budgetStatus } from './disruption-budget-plan.ts';
import { startDisruptionBudgetController } from './disruption-budget.ts';
import { startReplicaSetController } from '../replica-set/replica-set.ts';
import { startScheduler } from '../scheduler/scheduler.ts';

const NOW = Date.UTC(2026, 0, 1);
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

/** `a` ready, `b-` not, `cx` on its way out. */
function pods(text: string): Pod[] {
  return text.split(' ').map((part) => ({
    metadata: { name: part.charAt(0), ...(part.includes('x') ? { deletionTimestamp: 'T' } : {}) },
    status: { conditions: [{ type: 'Ready', status: part.includes('-') ? 'False' : 'True' }] },
  })) as unknown as Pod[];
}

function text(status: PodDisruptionBudgetStatus): string {
  const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed, disruptedPods = {} } = status;
  const waiting = Object.keys(disruptedPods).join();
  return `${currentHealthy} of ${expectedPods}, ${desiredHealthy} wanted, ${disruptionsAllowed} may go${waiting === '' ? '' : `, ${waiting} goes`}`;
}

const cases = [
  { name: 'minAvailable', spec: { minAvailable: 2 }, pods: 'a b c', scale: 3, is: '3 of 3, 2 wanted, 1 may go' },
  {
    name: 'minAvailable without owners',
    spec: { minAvailable: 1 },
    pods: 'a b',
    scale: 0,
    is: '2 of 2, 1 wanted, 1 may go',
  },
  {
    name: 'a share that must stay',
    spec: { minAvailable: '50%' },
    pods: 'a b c',
    scale: 3,
    is: '3 of 3, 2 wanted, 1 may go',
  },
  { name: 'maxUnavailable', spec: { maxUnavailable: 1 }, pods: 'a b c', scale: 4, is: '3 of 4, 3 wanted, 0 may go' },
  {
    name: 'a share that may be missing',
    spec: { maxUnavailable: '30%' },
    pods: 'a b c',
    scale: 3,
    is: '3 of 3, 2 wanted, 1 may go',
  },
  {
    name: 'Pods that do not count',
    spec: { minAvailable: 0 },
    pods: 'a b- cx',
    scale: 3,
    is: '1 of 3, 0 wanted, 1 may go',
  },
  { name: 'too few Pods', spec: { minAvailable: 3 }, pods: 'a b-', scale: 3, is: '1 of 2, 3 wanted, 0 may go' },
  {
    name: 'an eviction that is on its way',
    spec: { minAvailable: 1 },
    disrupted: { a: ago(60), gone: ago(60) },
    pods: 'a b c',
    scale: 3,
    is: '2 of 3, 1 wanted, 1 may go, a goes',
  },
  {
    name: 'an eviction that came to nothing',
    spec: { minAvailable: 1 },
    disrupted: { a: ago(120) },
    pods: 'a b',
    scale: 2,
    is: '2 of 2, 1 wanted, 1 may go',
  },
];

for (const { name, spec, disrupted, pods: list, scale, is } of cases) {
  test(`budgetStatus() with ${name}`, () => {
    const budget = { metadata: {}, spec, status: { disruptedPods: disrupted } } as unknown as PodDisruptionBudget;
    assert.equal(text(budgetStatus({ budget, pods: pods(list), scale, now: NOW, timestamp: 'T' })), is);
  });
}

test('a budget follows the Pods and the sizes of their owners, and writes only what changed', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startDisruptionBudgetController, startReplicaSetController, startScheduler);
  const selector = { matchLabels: { app: 'web' } };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } };
  const set = { metadata: { namespace: 'd', name: 'web' }, spec: { replicas: 3, selector, template } };
  const budget = { metadata: { namespace: 'd', name: 'b' }, spec: { maxUnavailable: 1, selector } };
  await plane.client.create(podDisruptionBudgets, budget);
  await plane.client.create(replicaSets, set);
  await plane.rest();
  const status = (): PodDisruptionBudgetStatus | undefined =>
    plane.api.all<PodDisruptionBudget>('poddisruptionbudgets')[0]?.status;
  assert.equal(text(status() as PodDisruptionBudgetStatus), '0 of 3, 2 wanted, 0 may go');
  await plane.converge();
  assert.equal(text(status() as PodDisruptionBudgetStatus), '3 of 3, 2 wanted, 1 may go');
  assert.deepEqual(
    status()?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`),
    ['DisruptionAllowed=True SufficientPods'],
  );
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
  const body = { spec: { replicas: 2 } };
  await plane.client.patch(replicaSets, set.metadata, { kind: 'merge', body });
  await plane.converge();
  assert.equal(text(status() as PodDisruptionBudgetStatus), '2 of 2, 1 wanted, 1 may go');
});

const CUSTOM = [
  {
    name: 'has a size',
    resources: ['racks', 'racks/scale'],
    scale: { metadata: { uid: 'u' }, spec: { replicas: 4 } },
    is: '1 of 4, 3 wanted, 0 may go, InsufficientPods',
  },
  {
    name: 'is another one by now',
    resources: ['racks', 'racks/scale'],
    scale: { metadata: { uid: 'v' }, spec: { replicas: 4 } },
    is: 'SyncFailed found no controllers for pod "p"',
  },
  { name: 'is gone', resources: ['racks', 'racks/scale'], is: 'SyncFailed found no controllers for pod "p"' },
  { name: 'has no size', resources: ['racks'], is: 'SyncFailed racks.x.test does not implement the scale subresource' },
  {
    name: 'is of no kind that there is',
    resources: undefined,
    is: 'SyncFailed no matches for kind "Deployment" in version "x.test/v1"',
  },
];

for (const { name, resources, scale, is } of CUSTOM) {
  test(`a budget over Pods of an owner of a custom kind that ${name}`, async () => {
    await using plane = controlPlane();
    plane.api.intercept = ({ path }) => {
      const list = resources?.map((one) => ({ name: one, kind: one === 'racks' ? 'Deployment' : 'Scale' }));
      if (path === '/apis/x.test/v1') return answerOf(list === undefined ? undefined : { resources: list });
      return path === '/apis/x.test/v1/namespaces/d/racks/r/scale' ? answerOf(scale) : undefined;
    };
    await plane.start(startDisruptionBudgetController);
    const owner = { apiVersion: 'x.test/v1', kind: 'Deployment', name: 'r', uid: 'u', controller: true };
    const metadata = { namespace: 'd', name: 'p', labels: { app: 'web' }, ownerReferences: [owner] };
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    await plane.client.create(podResource, { metadata, spec: { containers: [] }, status });
    const selector = { matchLabels: { app: 'web' } };
    const budget = { metadata: { namespace: 'd', name: 'b' }, spec: { maxUnavailable: 1, selector } };
    await plane.client.create(podDisruptionBudgets, budget);
    await plane.rest();
    const [written] = plane.api.all<PodDisruptionBudget>('poddisruptionbudgets');
    const { reason = '', message = '' } = written?.status?.conditions?.[0] ?? {};
    assert.equal(message === '' ? `${text(written?.status ?? {})}, ${reason}` : `${reason} ${message}`, is);
  });
}

function answerOf(body: object | undefined): ApiResponse {
  return body === undefined
    ? { kind: 'object', status: 404, body: notFoundStatus(podDisruptionBudgets, 'x') }
    : { kind: 'object', status: 200, body };
}

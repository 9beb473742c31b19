import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '#api/generated/types.ts';
import { daemonSets, nodes, pods } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startDaemonSetController } from './daemon-set.ts';
import { startScheduler } from '../scheduler/scheduler.ts';

const ALL = [startDaemonSetController, startScheduler];
const REF = { namespace: 'd', name: 'agent' };

function agent(image: string): DaemonSet {
  const spec = {
    selector: { matchLabels: { app: 'agent' } },
    template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image }] } },
  };
  return { metadata: REF, spec } as unknown as DaemonSet;
}

function placed(plane: ControlPlane): string {
  return plane
    .pods()
    .map(({ spec }) => `${spec.nodeName}=${spec.containers[0]?.image}`)
    .sort()
    .join(' ');
}

test('a DaemonSet follows the nodes and rolls over one by one', async () => {
  await using plane = controlPlane();
  for (const name of ['n1', 'n2']) await plane.addNode(name);
  await plane.start(...ALL);
  await plane.client.create(daemonSets, agent('one'));
  await plane.converge();
  assert.equal(placed(plane), 'n1=one n2=one');
  await plane.addNode('n3');
  await plane.converge();
  assert.equal(placed(plane), 'n1=one n2=one n3=one');
  const current = await plane.client.get(daemonSets, REF);
  await plane.client.update(daemonSets, { ...current, spec: agent('two').spec });
  await plane.rest();
  assert.equal(plane.pods().filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length, 1);
  await plane.converge();
  assert.equal(placed(plane), 'n1=two n2=two n3=two');
  const status = (await plane.client.get(daemonSets, REF)).status as unknown;
  assert.deepEqual(status, {
    currentNumberScheduled: 3,
    desiredNumberScheduled: 3,
    numberAvailable: 3,
    numberMisscheduled: 0,
    numberReady: 3,
    observedGeneration: 2,
    updatedNumberScheduled: 3,
  });
  const taints = [{ key: 'own', effect: 'NoExecute' }];
  await plane.client.patch(nodes, { name: 'n3' }, { kind: 'merge', body: { spec: { taints } } });
  await plane.converge();
  assert.equal(placed(plane), 'n1=two n2=two');
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.clock.advance(3_600_000);
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
});

test('a Pod that keeps failing is replaced more and more slowly', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(daemonSets, agent('one'));
  const fail = async (): Promise<string> => {
    await plane.converge();
    const [pod] = plane.pods();
    if (pod === undefined) return '';
    const body = { status: { phase: 'Failed' } };
    await plane.client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' });
    await plane.converge();
    return pod.metadata.uid;
  };
  const first = await fail();
  const second = await fail();
  assert.notEqual(second, first);
  assert.equal(plane.pods()[0]?.metadata.uid, second);
  await plane.clock.advance(1000);
  await plane.converge();
  assert.notEqual(plane.pods()[0]?.metadata.uid, second);
});

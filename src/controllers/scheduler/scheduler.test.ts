import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { nodes, pods } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startScheduler } from './scheduler.ts';

async function add(
  plane: ControlPlane,
  name: string,
  spec: object = {},
  labels: object = { app: name },
): Promise<void> {
  const containers = [{ name: 'c', resources: { requests: { cpu: '3' } } }];
  await plane.client.create(pods, {
    metadata: { namespace: 'd', name, labels },
    spec: { containers, ...spec },
  } as unknown as Pod);
  await plane.rest();
}

function placed(plane: ControlPlane): string {
  return plane
    .pods()
    .map(({ metadata, spec }) => `${metadata.name}=${spec.nodeName ?? ''}`)
    .join(' ');
}

test('of the Pods that wait, the most important one takes what becomes free', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startScheduler);
  await add(plane, 'a');
  await add(plane, 'b', { priority: 1 });
  await add(plane, 'c', { priority: 5 });
  assert.equal(placed(plane), 'a=n1 b= c=');
  await plane.client.delete(pods, { namespace: 'd', name: 'a' }, { gracePeriodSeconds: 0 });
  await plane.rest();
  assert.equal(placed(plane), 'b= c=n1');
});

test('a Pod that wants to be near another waits until that one has a node', async () => {
  await using plane = controlPlane();
  for (const name of ['n1', 'n2']) {
    const metadata = { name, labels: { 'kubernetes.io/hostname': name } } as never;
    await plane.addNode(name, { metadata });
  }
  await plane.start(startScheduler);
  const term = { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'kubernetes.io/hostname' };
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  await add(plane, 'web', { affinity, containers: [] });
  assert.equal(placed(plane), 'web=');
  await add(plane, 'db', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } });
  assert.equal(placed(plane), 'db=n2 web=n2');
});

test('a node that is cordoned takes nobody until it is not any more', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.client.patch(nodes, { name: 'n1' }, { kind: 'merge', body: { spec: { unschedulable: true } } });
  await plane.start(startScheduler);
  await add(plane, 'a');
  assert.equal(placed(plane), 'a=');
  await plane.client.patch(nodes, { name: 'n1' }, { kind: 'merge', body: { spec: { unschedulable: null } } });
  await plane.rest();
  assert.equal(placed(plane), 'a=n1');
});

const relabel = async (plane: ControlPlane, name: string, labels: object): Promise<void> => {
  await plane.client.patch(pods, { namespace: 'd', name }, { kind: 'merge', body: { metadata: { labels } } });
  await plane.rest();
};

function awayFrom(app: string): object {
  const term = { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' };
  return { containers: [], affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

test('a Pod that wants to be away from another waits until that one is called something else', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1', { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } as never });
  await plane.start(startScheduler);
  await add(plane, 'db', { containers: [] });
  await add(plane, 'web', awayFrom('db'));
  assert.equal(placed(plane), 'db=n1 web=');
  await relabel(plane, 'db', { app: 'cache' });
  assert.equal(placed(plane), 'db=n1 web=n1');
});

test('a Pod that another wants to be away from waits until it is called something else itself', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1', { metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } } as never });
  await plane.start(startScheduler);
  await add(plane, 'shy', awayFrom('web'));
  await add(plane, 'web', { containers: [] });
  assert.equal(placed(plane), 'shy=n1 web=');
  await relabel(plane, 'web', { app: 'cache' });
  assert.equal(placed(plane), 'shy=n1 web=n1');
});

test('what is kept for a Pod is for others when that one is deleted', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startScheduler);
  await add(plane, 'victim');
  await add(plane, 'urgent', { priority: 10 });
  const small = { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] };
  await add(plane, 'late', small);
  assert.equal(placed(plane), 'late= urgent= victim=n1');
  await plane.client.delete(pods, { namespace: 'd', name: 'urgent' }, { gracePeriodSeconds: 0 });
  await plane.rest();
  assert.equal(placed(plane), 'late=n1 victim=n1');
});

test('a Pod that is driven off the node that was promised to it looks for another at once', async () => {
  await using plane = controlPlane();
  for (const name of ['n1', 'n2']) await plane.addNode(name, { metadata: { name, labels: { node: name } } as never });
  await plane.start(startScheduler);
  const on = (node: string, priority: number): object => ({ nodeSelector: { node }, priority });
  await add(plane, 'least', on('n1', 0));
  await add(plane, 'less', on('n2', 1));
  const leaving = (): readonly string[] =>
    plane.pods().flatMap(({ metadata }) => (metadata.deletionTimestamp === undefined ? [] : [metadata.name]));
  await add(plane, 'middle', { priority: 5 });
  assert.deepEqual(leaving(), ['least']);
  await add(plane, 'most', on('n1', 10));
  assert.deepEqual([...leaving()].sort(), ['least', 'less']);
  const promised = plane.pods().map(({ metadata, status }) => `${metadata.name}:${status?.nominatedNodeName ?? ''}`);
  assert.deepEqual(promised.sort(), ['least:', 'less:', 'middle:n2', 'most:n1']);
});

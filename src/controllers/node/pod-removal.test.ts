import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, Taint } from '#api/generated/types.ts';
import { nodes, pods } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { podGarbage, startPodGarbageCollector, surplusEnded } from './pod-gc.ts';
import { evictionIn, startTaintEvictionController } from './taint-eviction.ts';

const NOW = Date.UTC(2026, 0, 1);
const DEAD: Taint = {
  key: 'node.kubernetes.io/unreachable',
  effect: 'NoExecute',
  timeAdded: new Date(NOW - 10_000).toISOString(),
};
const OWN: Taint = { key: 'own', value: 'x', effect: 'NoExecute' };
const tolerating = (key: string, tolerationSeconds?: number): object => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

const evictions = [
  { name: 'without taints', taints: [], tolerations: [], is: undefined },
  {
    name: 'by a taint that only keeps new ones away',
    taints: [{ ...OWN, effect: 'NoSchedule' }],
    tolerations: [],
    is: undefined,
  },
  { name: 'by a taint it does not tolerate', taints: [OWN], tolerations: [], is: 0 },
  { name: 'by a taint it tolerates for ever', taints: [OWN], tolerations: [tolerating('own')], is: undefined },
  {
    name: 'when its time is over, from when the taint came',
    taints: [DEAD],
    tolerations: [tolerating(DEAD.key, 300)],
    is: 290_000,
  },
  {
    name: 'by the taint it bears the shortest',
    taints: [OWN, DEAD],
    tolerations: [tolerating('own', 5), tolerating(DEAD.key, 300)],
    is: 5000,
  },
  { name: 'by one of two taints', taints: [OWN, DEAD], tolerations: [tolerating('own')], is: 0 },
];

for (const { name, taints, tolerations, is } of evictions) {
  test(`a Pod is evicted ${is === undefined ? 'never ' : ''}${name}`, () => {
    assert.equal(evictionIn({ spec: { tolerations } } as unknown as Pod, taints, NOW), is);
  });
}

const OUT = { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' };
const node = (ready: string, taints: object[]): object => ({
  spec: { taints },
  status: { conditions: [{ type: 'Ready', status: ready }] },
});

const garbage = [
  { name: 'with a node', node: node('True', []), is: undefined },
  { name: 'whose node is gone', is: 'orphaned' },
  { name: 'that waits for a node', spec: {}, is: undefined },
  { name: 'that goes before it had a node', spec: {}, leaving: true, is: 'unscheduled' },
  { name: 'that goes from a node out of service', node: node('Unknown', [OUT]), leaving: true, is: 'out-of-service' },
  { name: 'that goes from such a node which is well', node: node('True', [OUT]), leaving: true, is: undefined },
  { name: 'that stays on a node out of service', node: node('Unknown', [OUT]), is: undefined },
];

for (const { name, node: on, spec = { nodeName: 'n' }, leaving, is } of garbage) {
  test(`podGarbage() of a Pod ${name}`, () => {
    const pod = { metadata: leaving === true ? { deletionTimestamp: 'T' } : {}, spec } as unknown as Pod;
    assert.equal(podGarbage(pod, () => on as Node | undefined)?.reason, is);
  });
}

test('surplusEnded() gives up the oldest', () => {
  const pod = (name: string, phase: string): Pod =>
    ({ metadata: { name, creationTimestamp: name }, status: { phase } }) as unknown as Pod;
  const all = [pod('c', 'Failed'), pod('a', 'Succeeded'), pod('r', 'Running'), pod('b', 'Failed')];
  assert.deepEqual(
    surplusEnded(all, 1).map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
});

async function started(tolerations: object[]): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startTaintEvictionController, startPodGarbageCollector);
  const spec = { nodeName: 'n1', containers: [], tolerations };
  await plane.client.create(pods, { metadata: { namespace: 'd', name: 'a' }, spec });
  await plane.rest();
  return plane;
}

test('a dead node gives up its Pod when its patience ends, not before', async () => {
  await using plane = await started([tolerating(DEAD.key, 300)]);
  const taints = [{ ...DEAD, timeAdded: new Date(plane.clock.now()).toISOString() }];
  await plane.client.patch(nodes, { name: 'n1' }, { kind: 'merge', body: { spec: { taints } } });
  await plane.rest();
  await plane.clock.advance(299_000);
  await plane.rest();
  assert.equal(plane.pods()[0]?.metadata.deletionTimestamp, undefined);
  await plane.clock.advance(1000);
  await plane.rest();
  const [pod] = plane.pods();
  assert.notEqual(pod?.metadata.deletionTimestamp, undefined);
  assert.deepEqual(
    pod?.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`),
    ['DisruptionTarget DeletionByTaintManager'],
  );
});

test('a node that recovers keeps its Pod', async () => {
  await using plane = await started([tolerating(DEAD.key, 300)]);
  const taint = (taints: object[]): Promise<unknown> =>
    plane.client.patch(nodes, { name: 'n1' }, { kind: 'merge', body: { spec: { taints } } });
  await taint([{ ...DEAD, timeAdded: new Date(plane.clock.now()).toISOString() }]);
  await plane.clock.advance(200_000);
  await taint([]);
  await plane.rest();
  await plane.clock.advance(200_000);
  await plane.rest();
  assert.equal(plane.pods()[0]?.metadata.deletionTimestamp, undefined);
});

test('the Pods of a node that is gone go after a while', async () => {
  await using plane = await started([]);
  await plane.client.delete(nodes, { name: 'n1' });
  await plane.rest();
  await plane.clock.advance(39_000);
  await plane.rest();
  assert.equal(plane.pods().length, 1);
  await plane.clock.advance(1000);
  await plane.rest();
  assert.equal(plane.pods().length, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease, Node } from '#api/generated/types.ts';
import { healthTaints, lastSeen, silentConditions } from './node-health.ts';

const THEN = '2026-01-01T00:00:00Z';
const NOW = '2026-01-01T01:00:00Z';

function node(ready: string | undefined, spec: object = {}): Node {
  const conditions =
    ready === undefined ? [] : [{ type: 'Ready', status: ready, lastHeartbeatTime: THEN, lastTransitionTime: THEN }];
  return {
    metadata: { name: 'n', creationTimestamp: '2025-01-01T00:00:00Z' },
    spec,
    status: { conditions },
  } as unknown as Node;
}

function withCondition(found: Node, type: string, status: string): Node {
  const conditions = [...(found.status?.conditions ?? []), { type, status }];
  return { ...found, status: { ...found.status, conditions } };
}

const PRESSED = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' };
const OTHER = { key: 'gpu', effect: 'NoSchedule' };
const UNREACHABLE = { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' };
const UNREACHABLE_EXECUTE = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: THEN };

const taints = [
  { name: 'ready', node: node('True'), is: undefined },
  { name: 'ready, with a taint of somebody else', node: node('True', { taints: [OTHER] }), is: undefined },
  {
    name: 'not ready',
    node: node('False', { taints: [OTHER] }),
    is: [
      OTHER,
      { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule', timeAdded: NOW },
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', timeAdded: NOW },
    ],
  },
  { name: 'silent as before', node: node('Unknown', { taints: [UNREACHABLE, UNREACHABLE_EXECUTE] }), is: undefined },
  { name: 'back', node: node('True', { taints: [UNREACHABLE, UNREACHABLE_EXECUTE, OTHER] }), is: [OTHER] },
  {
    name: 'cordoned',
    node: node('True', { unschedulable: true }),
    is: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: NOW }],
  },
  {
    name: 'short of memory',
    node: withCondition(node('True', { taints: [PRESSED] }), 'MemoryPressure', 'True'),
    is: [{ key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule', timeAdded: NOW }],
  },
  {
    name: 'new',
    node: node(undefined),
    is: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule', timeAdded: NOW }],
  },
];

for (const c of taints) {
  test(`healthTaints() of a node that is ${c.name}`, () => assert.deepEqual(healthTaints(c.node, NOW), c.is));
}

test('silentConditions() marks what was known as unknown, once', () => {
  const conditions = silentConditions(node('True'), NOW);
  assert.deepEqual(conditions?.slice(0, 2), [
    {
      type: 'Ready',
      status: 'Unknown',
      lastHeartbeatTime: THEN,
      lastTransitionTime: NOW,
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    },
    {
      type: 'MemoryPressure',
      status: 'Unknown',
      lastHeartbeatTime: '2025-01-01T00:00:00Z',
      lastTransitionTime: NOW,
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    },
  ]);
  assert.equal(silentConditions({ ...node('True'), status: { conditions } }, NOW), undefined);
});

test('lastSeen() is the latest sign of life', () => {
  const lease = { spec: { renewTime: '2026-01-01T00:30:00.000000Z' } } as Lease;
  assert.equal(lastSeen(node('True'), lease), Date.UTC(2026, 0, 1, 0, 30));
  assert.equal(lastSeen(node('True'), undefined), Date.UTC(2026, 0, 1));
  assert.equal(lastSeen(node(undefined), undefined), Date.UTC(2025, 0, 1));
});

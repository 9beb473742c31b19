import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ReplicaSet } from '#api/generated/types.ts';
import { claim } from '../claims.ts';
import { nextAvailableIn } from '../pod-state.ts';
import { podFromTemplate } from '../pod-template.ts';
import { deletionOrder, planReplicaSetStatus, planScaling } from './replica-set-plan.ts';

const NOW = Date.UTC(2026, 0, 1);

function set(spec: object = {}, more: object = {}): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace: 'd', name: 's', uid: 'set', generation: 2, ...more },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' }, annotations: { a: 'b' } }, spec: { containers: [] } },
      ...spec,
    },
  } as unknown as ReplicaSet;
}

interface PodInput {
  readonly node?: string;
  readonly phase?: string;
  /** Seconds ago. */
  readonly ready?: number;
  readonly age?: number;
  readonly restarts?: number;
  readonly cost?: string;
  readonly labels?: object;
  readonly owner?: string;
}

function pod(name: string, input: PodInput = {}): Pod {
  const {
    node = 'n1',
    phase = 'Running',
    ready,
    age = 1000,
    restarts = 0,
    cost,
    labels = { app: 'web' },
    owner,
  } = input;
  const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
  return {
    metadata: {
      name,
      uid: name,
      labels,
      creationTimestamp: ago(age),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(owner === undefined ? {} : { ownerReferences: [{ uid: owner, controller: true }] }),
    },
    spec: node === '' ? {} : { nodeName: node },
    status: {
      phase,
      containerStatuses: [{ restartCount: restarts }],
      conditions: ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(ready) }],
    },
  } as unknown as Pod;
}

const orders: readonly { name: string; pods: readonly Pod[] }[] = [
  { name: 'those without a node', pods: [pod('z', { node: '', phase: 'Pending' }), pod('a', { phase: 'Pending' })] },
  {
    name: 'pending, then unknown, then running ones',
    pods: [pod('c', { phase: 'Pending' }), pod('b', { phase: 'Unknown' }), pod('a')],
  },
  { name: 'those that are not ready', pods: [pod('z'), pod('a', { ready: 10 })] },
  { name: 'those that cost less', pods: [pod('z', { cost: '-5' }), pod('y'), pod('a', { cost: '100' })] },
  {
    name: 'those on the node with the most',
    pods: [pod('z', { node: 'n2' }), pod('y', { node: 'n2' }), pod('a')]
      .sort((a, b) => (a.metadata.uid < b.metadata.uid ? -1 : 1))
      .sort((a, b) => (a.spec.nodeName === b.spec.nodeName ? 0 : a.spec.nodeName === 'n2' ? -1 : 1)),
  },
  { name: 'those ready for less long', pods: [pod('z', { ready: 10 }), pod('a', { ready: 5000 })] },
  { name: 'of those ready for about as long, by uid', pods: [pod('a', { ready: 5000 }), pod('z', { ready: 4500 })] },
  { name: 'those that restarted more', pods: [pod('z', { restarts: 3 }), pod('a')] },
  { name: 'the younger', pods: [pod('z', { age: 10 }), pod('a', { age: 10_000 })] },
];

for (const { name, pods } of orders) {
  test(`deletionOrder() gives up ${name} first`, () => {
    const names = (list: readonly Pod[]): string[] => list.map(({ metadata }) => metadata.name);
    assert.deepEqual(names(deletionOrder([...pods].reverse(), pods, NOW)), names(pods));
  });
}

const scalings = [
  { name: 'makes what is missing', spec: { replicas: 3 }, count: 1, is: [2, 0] },
  { name: 'deletes what is too much', spec: { replicas: 1 }, count: 3, is: [0, 2] },
  { name: 'leaves what is right', spec: { replicas: 2 }, count: 2, is: [0, 0] },
  { name: 'makes 500 at once at most', spec: { replicas: 2000 }, count: 0, is: [500, 0] },
  { name: 'does nothing for a set on its way out', more: { deletionTimestamp: 'T' }, count: 0, is: [0, 0] },
];

for (const c of scalings) {
  test(`planScaling() ${c.name}`, () => {
    const active = Array.from({ length: c.count }, (_, i) => pod(`p${i}`));
    const plan = planScaling(set(c.spec, c.more), active, () => active, NOW);
    assert.deepEqual([plan.create, plan.delete.length], c.is);
  });
}

test('podFromTemplate() takes labels, annotations and spec, and names its owner', () => {
  assert.deepEqual(podFromTemplate(set(), set().spec.template), {
    metadata: {
      generateName: 's-',
      namespace: 'd',
      labels: { app: 'web' },
      annotations: { a: 'b' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 's',
          uid: 'set',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { containers: [] },
  });
});

test('claim() tells what is owned, to be adopted and to be released', () => {
  const pods = [
    pod('owned', { owner: 'set' }),
    pod('stray', { owner: 'set', labels: {} }),
    pod('orphan'),
    pod('foreign', { owner: 'other' }),
    pod('unrelated', { labels: {} }),
  ];
  const names = (list: readonly Pod[]): string => list.map(({ metadata }) => metadata.name).join();
  const { owned, adopt, release } = claim(set(), set().spec.selector, pods);
  assert.deepEqual([names(owned), names(adopt), names(release)], ['owned', 'orphan', 'stray']);
  const leaving = set({}, { deletionTimestamp: 'T' });
  const last = claim(leaving, leaving.spec.selector, pods);
  assert.deepEqual([names(last.owned), names(last.adopt), names(last.release)], ['owned,stray', '', '']);
});

const at = { now: NOW, timestamp: '2026-01-01T00:00:00Z' };
const failure = { reason: 'FailedCreate', message: 'quota' } as const;

test('planReplicaSetStatus() counts, and is silent when nothing changed', () => {
  const active = [
    pod('a', { ready: 5 }),
    pod('b', { ready: 100, labels: { app: 'web', x: 'y' } }),
    pod('c', { labels: {} }),
  ];
  const status = planReplicaSetStatus(set({ minReadySeconds: 10 }), active, undefined, at);
  assert.deepEqual(status, {
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
    observedGeneration: 2,
  });
  const same = { ...set({ minReadySeconds: 10 }), status } as ReplicaSet;
  assert.equal(planReplicaSetStatus(same, active, undefined, at), undefined);
  assert.equal(nextAvailableIn(active, 10, NOW), 5000);
});

test('planReplicaSetStatus() shows a failure and takes it back', () => {
  const failed = planReplicaSetStatus(set(), [], failure, at);
  const condition = { type: 'ReplicaFailure', status: 'True', ...failure, lastTransitionTime: at.timestamp };
  assert.deepEqual(failed, { replicas: 0, observedGeneration: 2, conditions: [condition] });
  const again = planReplicaSetStatus({ ...set(), status: failed }, [], undefined, at);
  assert.deepEqual(again, { replicas: 0, observedGeneration: 2 });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet, Node, Pod } from '#api/generated/types.ts';
import { daemonSetStatus, type DaemonSetState, planDaemonSet } from './daemon-set-plan.ts';
import { daemonPod, targetNode } from './daemon-set-pod.ts';

const NOW = Date.UTC(2026, 0, 1);

interface Input {
  /** `a b! c~`: three nodes, one that nothing may stay on, one that takes no new Pods. */
  readonly nodes?: string;
  /** `a` ready and new; `o` old, `-` not ready, `x` terminating, `f` failed, `s` succeeded. */
  readonly pods?: string;
  readonly spec?: object;
  readonly metadata?: object;
  readonly backsOff?: boolean;
}

function set(spec: object = {}, metadata: object = {}): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: 'd', name: 'agent', uid: 'set', generation: 2, ...metadata },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [] } },
      ...spec,
    },
  } as unknown as DaemonSet;
}

function node(text: string): Node {
  const effect = text.endsWith('!') ? 'NoExecute' : 'NoSchedule';
  const taints = /[!~]$/.test(text) ? [{ key: 'own', effect }] : [];
  return { metadata: { name: text.charAt(0), labels: { disk: text.charAt(0) } }, spec: { taints } } as unknown as Node;
}

function pod(text: string, i: number): Pod {
  const phase = text.includes('f') ? 'Failed' : text.includes('s') ? 'Succeeded' : 'Running';
  const ready = phase === 'Running' && !text.includes('-') ? 'True' : 'False';
  return {
    metadata: {
      namespace: 'd',
      name: `${text}${i}`,
      creationTimestamp: `2026-01-01T00:00:0${i}Z`,
      labels: { 'controller-revision-hash': text.includes('o') ? 'old' : 'new' },
      ...(text.includes('x') ? { deletionTimestamp: 'T' } : {}),
    },
    spec: { nodeName: text.charAt(0) },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: new Date(NOW - 5000).toISOString() }],
    },
  } as unknown as Pod;
}

function state(input: Input): DaemonSetState {
  const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
  return {
    set: set(input.spec, input.metadata),
    nodes: words(input.nodes ?? 'a b c').map(node),
    pods: words(input.pods ?? '').map(pod),
    hash: 'new',
    now: NOW,
    backsOff: () => input.backsOff === true,
  };
}

function plan(input: Input): string {
  const { create, delete: remove } = planDaemonSet(state(input));
  return [
    ...create.map((name) => `+${name}`),
    ...remove.map(({ pod: { metadata }, why }) => `-${metadata.name} ${why}`),
  ].join(', ');
}

const rolling = (rollingUpdate: object): object => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
const surge = rolling({ maxUnavailable: 0, maxSurge: 1 });

const cases: readonly (Input & { readonly name: string; readonly is: string })[] = [
  { name: 'a Pod on every node', is: '+a, +b, +c' },
  { name: 'nothing at rest', pods: 'a b c', is: '' },
  { name: 'nothing for a set on its way out', metadata: { deletionTimestamp: 'T' }, is: '' },
  {
    name: 'a Pod only where the selector lets it',
    spec: { template: { spec: { nodeSelector: { disk: 'b' } } } },
    is: '+b',
  },
  { name: 'no Pod where a taint keeps it away', nodes: 'a! b~ c', is: '+c' },
  { name: 'an end only where a taint drives it out', nodes: 'a! b~ c', pods: 'a b c', is: '-a0 misplaced' },
  { name: 'nothing on a node whose Pod is on its way out', pods: 'ax b c', is: '' },
  { name: 'the younger of two to go', pods: 'a a b c', is: '-a1 update' },
  { name: 'a failed Pod to go', pods: 'af b c', is: '-af0 failed' },
  { name: 'no haste with a Pod that fails again and again', pods: 'af b c', backsOff: true, is: '' },
  { name: 'a succeeded Pod to go', pods: 'as b c', backsOff: true, is: '-as0 succeeded' },
  { name: 'one update at a time', pods: 'ao bo co', is: '-ao0 update' },
  { name: 'no update while one is unavailable', pods: 'a- bo co', is: '' },
  { name: 'no update while one goes', pods: 'aox bo co', is: '' },
  {
    name: 'an update of all when none has been ready for long enough',
    spec: { minReadySeconds: 10 },
    pods: 'a bo co',
    is: '-bo1 update, -co2 update',
  },
  {
    name: 'an update of all that do not serve anyway',
    pods: 'ao- bo- co',
    is: '-ao-0 update, -bo-1 update, -co2 update',
  },
  {
    name: 'as many updates as may be unavailable',
    spec: rolling({ maxUnavailable: '50%' }),
    pods: 'ao bo co',
    is: '-ao0 update, -bo1 update',
  },
  { name: 'no update by itself', spec: { updateStrategy: { type: 'OnDelete' } }, pods: 'ao bo co', is: '' },
  { name: 'a new Pod beside an old one', spec: surge, pods: 'ao bo co', is: '+a' },
  { name: 'one surge at a time', spec: surge, pods: 'ao a- bo co', is: '' },
  { name: 'the old one to go when the new one serves', spec: surge, pods: 'ao a bo co', is: '-ao0 update' },
];

for (const { name, is, ...input } of cases) {
  test(`planDaemonSet() plans ${name}`, () => assert.equal(plan(input), is));
}

test('daemonPod() is for one node and tolerates its troubles', () => {
  const mine = { key: 'own', operator: 'Exists' };
  const { metadata, spec } = daemonPod(
    set({ template: { spec: { containers: [], tolerations: [mine] } } }),
    'new',
    'a',
  );
  assert.deepEqual([metadata.generateName, metadata.labels], ['agent-', { 'controller-revision-hash': 'new' }]);
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['a'] }];
  assert.deepEqual(spec?.affinity, {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } },
  });
  assert.deepEqual(
    spec?.tolerations?.map(({ key, effect }) => `${key} ${effect ?? ''}`),
    [
      'own ',
      'node.kubernetes.io/not-ready NoExecute',
      'node.kubernetes.io/unreachable NoExecute',
      'node.kubernetes.io/disk-pressure NoSchedule',
      'node.kubernetes.io/memory-pressure NoSchedule',
      'node.kubernetes.io/pid-pressure NoSchedule',
      'node.kubernetes.io/unschedulable NoSchedule',
    ],
  );
  assert.equal(targetNode({ metadata, spec } as unknown as Pod), 'a');
});

test('daemonSetStatus() counts nodes', () => {
  assert.deepEqual(daemonSetStatus(state({ nodes: 'a b c~ d e', pods: 'a bo c d-' }), undefined), {
    observedGeneration: 2,
    desiredNumberScheduled: 4,
    currentNumberScheduled: 3,
    numberMisscheduled: 1,
    numberReady: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
    numberUnavailable: 2,
  });
});

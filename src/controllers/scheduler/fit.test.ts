import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '#api/generated/types.ts';
import { viewClaims } from './claims.ts';
import { applicantFor } from './cycle.ts';
import { demandOf } from '#api/pod/demand.ts';
import { ownRefusal } from './fit.ts';
import { type Candidate, NodeLoad } from './node-load.ts';
import { never, notNow, preemptionMessage, type Refusal, unschedulableMessage } from './refusal.ts';
import { bestNode } from './score.ts';

let count = 0;

function pod(spec: object = {}, owner?: string): Pod {
  const ownerReferences = owner === undefined ? [] : [{ uid: owner, controller: true }];
  return {
    metadata: { namespace: 'd', name: `p${count++}`, ownerReferences },
    spec: { containers: [], ...spec },
  } as unknown as Pod;
}

function asking(cpu: string, memory: string, more: object = {}): Pod {
  return pod({ containers: [{ name: 'c', resources: { requests: { cpu, memory } }, ...more }] });
}

interface NodeInput {
  readonly name?: string;
  readonly labels?: object;
  readonly spec?: object;
  readonly ready?: string;
  readonly allocatable?: object;
  readonly pods?: readonly Pod[];
}

function candidate(input: NodeInput = {}): Candidate {
  const {
    name = 'n',
    labels = { 'kubernetes.io/hostname': input.name ?? 'n' },
    spec = {},
    ready = 'True',
    pods = [],
  } = input;
  const allocatable = input.allocatable ?? { cpu: '2', memory: '4Gi', pods: '3' };
  const load = new NodeLoad();
  for (const found of pods) load.add(found);
  const status = { allocatable, conditions: [{ type: 'Ready', status: ready }] };
  return { node: { metadata: { name, labels }, spec, status } as unknown as Node, load };
}

const GPU = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
const affinity = (terms: object[]): object => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});

const cases: readonly { name: string; pod: Pod; node: Candidate; reasons: readonly string[] }[] = [
  { name: 'a node with room', pod: asking('2', '4Gi'), node: candidate(), reasons: [] },
  {
    name: 'too little of everything',
    pod: asking('2', '4Gi'),
    node: candidate({ pods: [asking('100m', '1Mi'), pod(), pod()] }),
    reasons: ['Too many pods', 'Insufficient cpu', 'Insufficient memory'],
  },
  { name: 'no demand on a full node', pod: pod(), node: candidate({ pods: [asking('2', '4Gi')] }), reasons: [] },
  {
    name: 'a device that the node has no more of',
    pod: asking('0', '0', { resources: { requests: { 'example.com/gpu': '2' } } }),
    node: candidate({
      allocatable: { 'example.com/gpu': '3' },
      pods: [asking('0', '0', { resources: { requests: { 'example.com/gpu': '2' } } })],
    }),
    reasons: ['Insufficient example.com/gpu'],
  },
  {
    name: 'a device that the node does not know',
    pod: asking('0', '0', { resources: { requests: { 'example.com/gpu': '1' } } }),
    node: candidate(),
    reasons: ['Insufficient example.com/gpu'],
  },
  {
    name: 'a Pod that is to go to another node',
    pod: pod(affinity([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }] }])),
    node: candidate(),
    reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"],
  },
  {
    name: 'a cordoned node',
    pod: pod(),
    node: candidate({ spec: { unschedulable: true } }),
    reasons: ['node(s) were unschedulable'],
  },
  {
    name: 'a node that is not ready',
    pod: pod(),
    node: candidate({ ready: 'Unknown' }),
    reasons: ['node(s) had untolerated taint(s)'],
  },
  {
    name: 'a taint',
    pod: pod(),
    node: candidate({ spec: { taints: [GPU] } }),
    reasons: ['node(s) had untolerated taint(s)'],
  },
  {
    name: 'a taint that is tolerated',
    pod: pod({ tolerations: [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }] }),
    node: candidate({ spec: { taints: [GPU] } }),
    reasons: [],
  },
  {
    name: 'everything tolerated',
    pod: pod({ tolerations: [{ operator: 'Exists' }] }),
    node: candidate({ ready: 'False', spec: { unschedulable: true, taints: [GPU] } }),
    reasons: [],
  },
  {
    name: 'another value tolerated',
    pod: pod({ tolerations: [{ key: 'gpu', value: 'no' }] }),
    node: candidate({ spec: { taints: [GPU] } }),
    reasons: ['node(s) had untolerated taint(s)'],
  },
  {
    name: 'a node selector',
    pod: pod({ nodeSelector: { disk: 'ssd' } }),
    node: candidate({ labels: { disk: 'hdd' } }),
    reasons: ["node(s) didn't match Pod's node affinity/selector"],
  },
  {
    name: 'one of two affinity terms',
    pod: pod(
      affinity([
        { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['8'] }] },
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] },
      ]),
    ),
    node: candidate({ labels: { cores: '4' } }),
    reasons: [],
  },
  {
    name: 'an affinity term that is empty',
    pod: pod(affinity([{}])),
    node: candidate(),
    reasons: ["node(s) didn't match Pod's node affinity/selector"],
  },
  {
    name: 'a host port that is taken on all addresses',
    pod: asking('0', '0', { ports: [{ containerPort: 1, hostPort: 80, hostIP: '10.0.0.1' }] }),
    node: candidate({ pods: [asking('0', '0', { ports: [{ containerPort: 2, hostPort: 80 }] })] }),
    reasons: ["node(s) didn't have free ports for the requested pod ports"],
  },
  {
    name: 'the same host port of another protocol',
    pod: asking('0', '0', { ports: [{ containerPort: 1, hostPort: 80, protocol: 'UDP' }] }),
    node: candidate({ pods: [asking('0', '0', { ports: [{ containerPort: 2, hostPort: 80 }] })] }),
    reasons: [],
  },
];

for (const c of cases) {
  test(`ownRefusal() for ${c.name}: ${c.reasons.join(', ') || 'none'}`, () => {
    assert.deepEqual(ownRefusal(c.pod, demandOf(c.pod), c.node)?.reasons ?? [], c.reasons);
  });
}

test('demandOf() takes the peak of init containers, sidecars and containers', () => {
  const part = (cpu: string, more: object = {}): object => ({ name: 'c', resources: { requests: { cpu } }, ...more });
  const initContainers = [part('1'), part('200m', { restartPolicy: 'Always' }), part('1500m')];
  const { cpuMillis } = demandOf(
    pod({ initContainers, containers: [part('1'), part('300m')], overhead: { cpu: '50m' } }),
  );
  assert.equal(cpuMillis, 1750);
});

const choices: readonly { name: string; nodes: readonly Candidate[] }[] = [
  {
    name: 'without a taint that it dislikes',
    nodes: [
      candidate({ name: 'b' }),
      candidate({ name: 'a', spec: { taints: [{ ...GPU, effect: 'PreferNoSchedule' }] } }),
    ],
  },
  {
    name: 'with the fewest of its owner',
    nodes: [candidate({ name: 'b', pods: [asking('1', '1Gi')] }), candidate({ name: 'a', pods: [pod({}, 'set')] })],
  },
  {
    name: 'with the lightest load',
    nodes: [candidate({ name: 'b', pods: [asking('1', '1Gi')] }), candidate({ name: 'a', pods: [asking('1', '2Gi')] })],
  },
  { name: 'first by name', nodes: [candidate({ name: 'a' }), candidate({ name: 'b' })] },
];

for (const { name, nodes } of choices) {
  test(`bestNode() takes the node ${name}`, () => {
    const around = { candidates: [...nodes].reverse(), labelsOf: () => ({}) };
    const applicant = pod({}, 'set');
    const claims = viewClaims(applicant, {} as never);
    assert.equal(bestNode(applicantFor(applicant, claims, around), around.candidates), nodes[0]);
  });
}

const messages: readonly { refusals: readonly Refusal[]; text: string }[] = [
  { refusals: [], text: 'no nodes available to schedule pods' },
  {
    refusals: [
      notNow('Insufficient cpu', 'Insufficient memory'),
      notNow('Insufficient cpu'),
      never('node(s) were unschedulable'),
    ],
    text:
      '0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu. ' +
      'no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, ' +
      '2 No preemption victims found for incoming pod.',
  },
];

for (const { refusals, text } of messages) {
  test(`unschedulableMessage() for ${refusals.length} nodes`, () => {
    const curable = refusals.filter((refusal) => refusal.curable);
    const failures = curable.map(() => ['No preemption victims found for incoming pod']);
    assert.equal(unschedulableMessage(refusals, preemptionMessage(refusals, failures)), text);
  });
}

test('a Pod that was given other resources counts with these', () => {
  const load = new NodeLoad();
  const at = (generation: number, cpu: string): Pod =>
    ({
      metadata: { name: 'p', namespace: 'ns', generation },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
    }) as unknown as Pod;
  load.add(at(1, '1'));
  load.add(at(1, '1'));
  load.add(at(2, '300m'));
  assert.deepEqual([load.cpuMillis, load.pods], [300, 1]);
  load.remove(at(2, '300m'));
  assert.deepEqual([load.cpuMillis, load.pods], [0, 0]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Node, Pod, PodDisruptionBudget } from '#api/generated/types.ts';
import { pods } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { viewClaims } from './claims.ts';
import { place, type Surroundings } from './cycle.ts';
import { type Candidate, NodeLoad } from './node-load.ts';
import { planPreemption } from './preemption.ts';
import { unschedulableMessage } from './refusal.ts';
import { startScheduler } from './scheduler.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

let count = 0;

interface PodInput {
  readonly cpu?: number;
  readonly priority?: number;
  readonly at?: number;
  readonly labels?: object;
  readonly spec?: object;
  readonly leaving?: boolean;
  readonly nominated?: string;
}

function pod(name: string, input: PodInput = {}): Pod {
  const {
    cpu = 1,
    priority = 0,
    at = count++,
    labels = { app: name.charAt(0) },
    spec = {},
    leaving,
    nominated,
  } = input;
  const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const target = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' };
  return {
    metadata: { namespace: 'd', name, labels, ...(leaving === true ? gone : {}) },
    spec: { priority, containers: [{ name: 'c', resources: { requests: { cpu: String(cpu) } } }], ...spec },
    status: {
      startTime: new Date(at * 1000).toISOString(),
      ...(leaving === true ? { conditions: [target] } : {}),
      ...(nominated === undefined ? {} : { nominatedNodeName: nominated }),
    },
  } as unknown as Pod;
}

/** Nodes of two cpus each, with some Pods on them. */
function cluster(placed: Readonly<Record<string, readonly Pod[]>>, more: object = {}): Surroundings {
  const candidates = Object.entries(placed).map(([name, list]): Candidate => {
    const load = new NodeLoad();
    for (const one of list) load.add(one);
    const status = { allocatable: { cpu: '2', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] };
    const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
    return { node: { metadata, spec: {}, status, ...more } as unknown as Node, load };
  });
  return { candidates, labelsOf: () => ({}) };
}

function budget(app: string, disruptionsAllowed: number): PodDisruptionBudget {
  return {
    metadata: { namespace: 'd', name: app },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  } as unknown as PodDisruptionBudget;
}

const anti = (app: string): object => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  },
});

const NONE = '0/1 nodes are available:';
const cases: readonly {
  name: string;
  pod: Pod;
  placed: Readonly<Record<string, readonly Pod[]>>;
  budgets?: readonly PodDisruptionBudget[];
  is: string;
}[] = [
  {
    name: 'the least important',
    pod: pod('new', { priority: 10 }),
    placed: { n: [pod('a', { priority: 5 }), pod('b', { priority: 1 })] },
    is: 'n: b',
  },
  {
    name: 'no more than it needs',
    pod: pod('new', { priority: 10, cpu: 2 }),
    placed: { n: [pod('a'), pod('b')], m: [pod('c', { cpu: 2 })] },
    is: 'm: c',
  },
  {
    name: 'those on the node with the least important victims',
    pod: pod('new', { priority: 10, cpu: 2 }),
    placed: { n: [pod('a', { priority: 5, cpu: 2 })], m: [pod('b', { priority: 4 }), pod('c', { priority: 4 })] },
    is: 'm: b c',
  },
  {
    name: 'who has run the shortest',
    pod: pod('new', { priority: 10 }),
    placed: { n: [pod('a', { at: 1 }), pod('b', { at: 2 })] },
    is: 'n: b',
  },
  {
    name: 'nobody whose budget forbids it, where there is another',
    pod: pod('new', { priority: 10 }),
    placed: { n: [pod('a', { at: 1 }), pod('b', { at: 2 })] },
    budgets: [budget('b', 0)],
    is: 'n: a',
  },
  {
    name: 'somebody whose budget forbids it, where there is no other',
    pod: pod('new', { priority: 10, cpu: 2 }),
    placed: { n: [pod('a', { cpu: 2 })] },
    budgets: [budget('a', 0)],
    is: 'n: a',
  },
  {
    name: 'who keeps it away',
    pod: pod('new', { priority: 10, cpu: 0, spec: anti('a') }),
    placed: { n: [pod('a'), pod('b')] },
    is: 'n: a',
  },
  {
    name: 'nobody as important',
    pod: pod('new', { priority: 5 }),
    placed: { n: [pod('a', { cpu: 2, priority: 5 })] },
    is: `${NONE} 1 Insufficient cpu. no new claims to deallocate, preemption: ${NONE} 1 No preemption victims found for incoming pod.`,
  },
  {
    name: 'nobody where that would not be enough',
    pod: pod('new', { priority: 5, cpu: 2 }),
    placed: { n: [pod('a', { priority: 9 }), pod('b')] },
    is: `${NONE} 1 Insufficient cpu. no new claims to deallocate, preemption: ${NONE} 1 Insufficient cpu.`,
  },
  {
    name: 'nobody on a node that is too small',
    pod: pod('new', { priority: 5, cpu: 3 }),
    placed: { n: [pod('b')] },
    is: `${NONE} 1 Insufficient cpu. no new claims to deallocate, preemption: ${NONE} 1 Preemption is not helpful for scheduling.`,
  },
  {
    name: 'nobody when it is not to',
    pod: pod('new', { priority: 5, spec: { preemptionPolicy: 'Never' } }),
    placed: { n: [pod('b', { cpu: 2 })] },
    is: `${NONE} 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.`,
  },
  {
    name: 'nobody more while the first are on their way out',
    pod: pod('new', { priority: 5, nominated: 'n' }),
    placed: { n: [pod('b', { leaving: true }), pod('c', { priority: 9 })] },
    is: `${NONE} 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.`,
  },
];
for (const c of cases) {
  test(`planPreemption() pushes out ${c.name}`, () => {
    const around = cluster(c.placed);
    const claims = viewClaims(c.pod, {} as never);
    const { chosen, refusals } = place(c.pod, claims, around);
    assert.equal(chosen, undefined);
    const plan = planPreemption({ pod: c.pod, claims, around, refusals, budgets: c.budgets ?? [] });
    const known = refusals.filter((refusal) => refusal !== undefined);
    const is =
      plan.kind === 'none'
        ? unschedulableMessage(known, plan.message)
        : `${plan.candidate.node.metadata.name}: ${plan.victims.map(({ metadata }) => metadata.name).join(' ')}`;
    assert.equal(is, c.is);
  });
}

test('SchedulingQueue gives the important ones first, then the early ones', () => {
  const queue = new SchedulingQueue();
  for (const [key, priority] of [
    ['a', 0],
    ['b', 5],
    ['c', 0],
    ['d', 5],
    ['a', 9],
  ] as const) {
    queue.add(key, priority);
  }
  queue.delete('d');
  assert.deepEqual([queue.take(), queue.take(), queue.take(), queue.take()], ['a', 'b', 'c', undefined]);
});

async function add(plane: ControlPlane, name: string, priority: number): Promise<void> {
  const containers = [{ name: 'c', resources: { requests: { cpu: '3' } } }];
  await plane.client.create(pods, { metadata: { namespace: 'd', name }, spec: { containers, priority } });
  await plane.rest();
}

function placed(plane: ControlPlane): string {
  return plane
    .pods()
    .map(({ metadata, spec, status }) => {
      const leaving = metadata.deletionTimestamp === undefined ? '' : ' leaving';
      const nominated = spec.nodeName === undefined ? (status?.nominatedNodeName ?? '') : '';
      return `${metadata.name}=${spec.nodeName ?? ''}${nominated === '' ? '' : `(${nominated})`}${leaving}`;
    })
    .join(' ');
}

test('a more important Pod waits for its victim to end, and no lesser one takes the place meanwhile', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startScheduler);
  await add(plane, 'low', 1);
  await add(plane, 'high', 9);
  assert.equal(placed(plane), 'high=(n1) low=n1 leaving');
  await add(plane, 'middle', 5);
  const low = plane.pods().find(({ metadata }) => metadata.name === 'low');
  assert.ok(low);
  assert.deepEqual(
    low.status?.conditions?.map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
    ['DisruptionTarget PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod'],
  );
  await plane.finishPod(low);
  await plane.rest();
  assert.equal(placed(plane), 'high=n1 middle=');
  const high = plane.pods().find(({ metadata }) => metadata.name === 'high');
  const events = plane.api.all<CoreEvent>('events').map(({ involvedObject, reason, message }) => {
    return `${involvedObject.name} ${reason}: ${message}`;
  });
  assert.ok(events.includes(`low Preempted: Preempted by pod ${high?.metadata.uid} on node n1`), events.join('\n'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as t from '../generated/types.ts';
import { podRow } from './print.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 10);
const FIVE_MINUTES_AGO = '2026-01-01T00:05:00Z';

type State = t.ContainerState;

function status(name: string, state: State, more: Partial<t.ContainerStatus> = {}): t.ContainerStatus {
  return { name, image: 'host', imageID: '', ready: state.running !== undefined, restartCount: 0, state, ...more };
}

const RUNNING: State = { running: {} };
const waiting = (reason: string): State => ({ waiting: { reason } });
const ended = (exitCode: number, reason?: string, signal?: number): State => ({
  terminated: { exitCode, reason, signal },
});
const CONTAINERS = { containers: [{ name: 'a' }, { name: 'b' }] };
const INITS = { ...CONTAINERS, initContainers: [{ name: 'i' }, { name: 'j' }] };
const SIDECAR = { ...CONTAINERS, initContainers: [{ name: 'i', restartPolicy: 'Always' }] };

interface Case {
  readonly name: string;
  readonly spec?: Partial<t.PodSpec>;
  readonly status: t.PodStatus;
  readonly deleted?: boolean;
  /** READY STATUS RESTARTS, and what `-o wide` adds after a bar. */
  readonly text: string;
}

const cases: readonly Case[] = [
  { name: 'not scheduled', status: { phase: 'Pending' }, text: '0/2 Pending 0 | <none> <none> <none> <none>' },
  {
    name: 'gated',
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    text: '0/2 SchedulingGated 0 | <none> <none> <none> <none>',
  },
  {
    name: 'starting',
    spec: { ...CONTAINERS, nodeName: 'n1' },
    status: {
      phase: 'Pending',
      containerStatuses: [status('a', waiting('ContainerCreating')), status('b', waiting('ContainerCreating'))],
    },
    text: '0/2 ContainerCreating 0 | <none> n1 <none> <none>',
  },
  {
    name: 'running',
    spec: { ...CONTAINERS, nodeName: 'n1', readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] },
    status: {
      phase: 'Running',
      podIP: '10.244.0.5',
      podIPs: [{ ip: '10.244.0.5' }],
      conditions: [{ type: 'x', status: 'True' }],
      containerStatuses: [status('a', RUNNING), status('b', RUNNING, { ready: false })],
    },
    text: '1/2 Running 0 | 10.244.0.5 n1 <none> 1/2',
  },
  {
    name: 'in a crash loop',
    status: {
      phase: 'Running',
      containerStatuses: [
        status('a', waiting('CrashLoopBackOff'), {
          restartCount: 2,
          lastState: { terminated: { exitCode: 1, finishedAt: FIVE_MINUTES_AGO } },
        }),
        status('b', RUNNING, { restartCount: 1 }),
      ],
    },
    text: '1/2 CrashLoopBackOff 3 (5m ago) | <none> <none> <none> <none>',
  },
  {
    name: 'completed',
    status: {
      phase: 'Succeeded',
      containerStatuses: [status('a', ended(0, 'Completed')), status('b', ended(0, 'Completed'))],
    },
    text: '0/2 Completed 0 | <none> <none> <none> <none>',
  },
  {
    name: 'half completed and ready',
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [status('a', ended(0, 'Completed')), status('b', RUNNING)],
    },
    text: '1/2 Running 0 | <none> <none> <none> <none>',
  },
  {
    name: 'half completed and not ready',
    status: { phase: 'Running', containerStatuses: [status('a', ended(0, 'Completed')), status('b', RUNNING)] },
    text: '1/2 NotReady 0 | <none> <none> <none> <none>',
  },
  {
    name: 'ended with a code',
    status: { phase: 'Failed', containerStatuses: [status('a', ended(3)), status('b', ended(0))] },
    text: '0/2 ExitCode:3 0 | <none> <none> <none> <none>',
  },
  {
    name: 'ended by a signal',
    status: { phase: 'Failed', containerStatuses: [status('a', ended(137, '', 9))] },
    text: '0/2 Signal:9 0 | <none> <none> <none> <none>',
  },
  {
    name: 'evicted',
    status: { phase: 'Failed', reason: 'Evicted' },
    text: '0/2 Evicted 0 | <none> <none> <none> <none>',
  },
  {
    name: 'initializing',
    spec: INITS,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', ended(0)), status('j', RUNNING)],
      containerStatuses: [status('a', waiting('PodInitializing'))],
    },
    text: '0/2 Init:1/2 0 | <none> <none> <none> <none>',
  },
  {
    name: 'failing to initialize',
    spec: INITS,
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', ended(1), { restartCount: 4 }), status('j', waiting('PodInitializing'))],
    },
    text: '0/2 Init:ExitCode:1 4 | <none> <none> <none> <none>',
  },
  {
    name: 'failing to initialize for a reason',
    spec: INITS,
    status: { phase: 'Pending', initContainerStatuses: [status('i', waiting('CrashLoopBackOff'))] },
    text: '0/2 Init:CrashLoopBackOff 0 | <none> <none> <none> <none>',
  },
  {
    name: 'beside a sidecar',
    spec: SIDECAR,
    status: {
      phase: 'Running',
      initContainerStatuses: [status('i', RUNNING, { started: true, restartCount: 1 })],
      containerStatuses: [status('a', RUNNING), status('b', RUNNING)],
    },
    text: '3/3 Running 1 | <none> <none> <none> <none>',
  },
  {
    name: 'being deleted',
    deleted: true,
    status: { phase: 'Running', containerStatuses: [status('a', RUNNING), status('b', RUNNING)] },
    text: '2/2 Terminating 0 | <none> <none> <none> <none>',
  },
  {
    name: 'completed and being deleted',
    deleted: true,
    status: { phase: 'Succeeded', containerStatuses: [status('a', ended(0, 'Completed'))] },
    text: '0/2 Completed 0 | <none> <none> <none> <none>',
  },
  {
    name: 'on a lost node',
    deleted: true,
    status: { phase: 'Running', reason: 'NodeLost' },
    text: '0/2 Unknown 0 | <none> <none> <none> <none>',
  },
];

for (const { name, spec = CONTAINERS, status, deleted, text } of cases) {
  test(`podRow() of a Pod that is ${name}`, () => {
    const metadata = {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(deleted === true ? { deletionTimestamp: '2026-01-01T00:09:00Z' } : {}),
    };
    const pod: t.Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: spec as t.PodSpec, status };
    const [podName, ready, reason, restarts, age, ...wide] = podRow(pod, NOW);
    assert.equal(`${ready} ${reason} ${restarts} | ${wide.join(' ')}`, text);
    assert.deepEqual([podName, age], ['web', '10m']);
  });
}

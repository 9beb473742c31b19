import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import type { ContainerView } from './container-view.ts';
import { podStatus, type PodRuntimeState } from './pod-status.ts';

const NOW = Date.UTC(2026, 0, 1);

const up: ContainerView = {
  name: 'c',
  image: 'host',
  kind: 'main',
  state: { kind: 'running', startedAt: NOW },
  last: undefined,
  restarts: 0,
  ready: true,
  started: true,
  inHook: false,
  unseen: undefined,
  resources: undefined,
  renewed: false,
  id: 'abc',
  imageId: 'clusterip://host',
  retryAt: 0,
  backoffMs: 0,
};
const creating: ContainerView = {
  ...up,
  state: { kind: 'waiting', reason: 'ContainerCreating' },
  ready: false,
  started: false,
  id: undefined,
  imageId: '',
};
const ended = (exitCode: number): ContainerView => ({
  ...up,
  state: { kind: 'terminated', exitCode, reason: 'x', startedAt: NOW, finishedAt: NOW, id: 'abc' },
  ready: false,
});

const lost = {
  kind: 'terminated',
  exitCode: 255,
  reason: 'Unknown',
  startedAt: NOW,
  finishedAt: NOW,
  id: 'abc',
} as const;
const deleted = { metadata: { name: 'p', deletionTimestamp: 'x' }, spec: { containers: [] } } as unknown as Pod;

function state(containers: readonly ContainerView[], more: Partial<PodRuntimeState> = {}): PodRuntimeState {
  const pod = { metadata: { name: 'p', namespace: 'ns', generation: 1 }, spec: { containers: [] } } as unknown as Pod;
  return {
    pod,
    containers,
    hostIps: ['172.18.0.2'],
    podIps: ['10.244.0.2'],
    sandboxReady: true,
    startTime: NOW,
    phase: undefined,
    now: NOW,
    ...more,
  };
}

/** Phase, then each condition with its reason and message when it is not true, then who was never found. */
function summary(input: PodRuntimeState): string {
  const { phase, conditions = [], containerStatuses = [] } = podStatus(input);
  const lines = conditions.map(({ type, status, reason, message }) =>
    [type, status, reason ?? '', message === undefined ? '' : `(${message})`].join(' ').trim(),
  );
  const lost = containerStatuses.flatMap(({ name, state: { terminated } = {} }) =>
    terminated?.reason === 'ContainerStatusUnknown' ? [`${name} ${terminated.reason} ${terminated.exitCode}`] : [],
  );
  return [phase, ...lines, ...lost].join('\n');
}

const cases: readonly { name: string; input: PodRuntimeState; text: string }[] = [
  {
    name: 'before the sandbox',
    input: state([creating], { sandboxReady: false, podIps: [] }),
    text: `Pending
PodReadyToStartContainers False
Initialized True
Ready False ContainersNotReady (containers with unready status: [c])
ContainersReady False ContainersNotReady (containers with unready status: [c])
PodScheduled True`,
  },
  {
    name: 'running',
    input: state([up]),
    text: `Running
PodReadyToStartContainers True
Initialized True
Ready True
ContainersReady True
PodScheduled True`,
  },
  {
    name: 'in its init containers',
    input: state([{ ...up, name: 'i', kind: 'init' }, creating]),
    text: `Pending
PodReadyToStartContainers True
Initialized False ContainersNotInitialized (containers with incomplete status: [i])
Ready False ContainersNotReady (containers with unready status: [c])
ContainersReady False ContainersNotReady (containers with unready status: [c])
PodScheduled True`,
  },
  {
    name: 'not ready yet',
    input: state([
      { ...up, ready: false },
      { ...up, name: 'd' },
    ]),
    text: `Running
PodReadyToStartContainers True
Initialized True
Ready False ContainersNotReady (containers with unready status: [c])
ContainersReady False ContainersNotReady (containers with unready status: [c])
PodScheduled True`,
  },
  {
    name: 'behind a readiness gate',
    input: state([up], {
      pod: {
        metadata: { name: 'p' },
        spec: { containers: [], readinessGates: [{ conditionType: 'a/b' }, { conditionType: 'c/d' }] },
        status: { conditions: [{ type: 'c/d', status: 'False' }] },
      } as unknown as Pod,
    }),
    text: `Running
PodReadyToStartContainers True
Initialized True
Ready False ReadinessGatesNotReady (corresponding condition of pod readiness gate "a/b" does not exist., the status of pod readiness gate "c/d" is not "True", but False)
ContainersReady True
PodScheduled True
c/d False`,
  },
  {
    name: 'being deleted, and serving as long as its probes say so',
    input: state([up], { pod: deleted }),
    text: `Running
PodReadyToStartContainers True
Initialized True
Ready True
ContainersReady True
PodScheduled True`,
  },
  {
    name: 'in the postStart hook of a container',
    input: state([
      up,
      {
        ...up,
        name: 'd',
        inHook: true,
        unseen: { kind: 'waiting', reason: 'ContainerCreating' },
        started: false,
        ready: false,
      },
    ]),
    text: `Pending
PodReadyToStartContainers True
Initialized True
Ready False ContainersNotReady (containers with unready status: [d])
ContainersReady False ContainersNotReady (containers with unready status: [d])
PodScheduled True`,
  },
  {
    name: 'whose init containers run again, since its node was restarted',
    input: state([
      { ...up, name: 'i', kind: 'init' },
      { ...creating, last: lost },
    ]),
    text: `Pending
PodReadyToStartContainers True
Initialized True
Ready False ContainersNotReady (containers with unready status: [c])
ContainersReady False ContainersNotReady (containers with unready status: [c])
PodScheduled True`,
  },
  {
    name: 'that has to end for good, and runs still',
    input: state([up], { phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' }),
    text: `Running
PodReadyToStartContainers True
Initialized True
Ready False PodFailed
ContainersReady False PodFailed
PodScheduled True`,
  },
  {
    name: 'that was deleted before it could begin',
    input: state([creating, { ...creating, name: 'd' }], { pod: deleted, sandboxReady: false, isGone: true }),
    text: `Failed
PodReadyToStartContainers False
Initialized True
Ready False PodFailed
ContainersReady False PodFailed
PodScheduled True
c ContainerStatusUnknown 137
d ContainerStatusUnknown 137`,
  },
  {
    name: 'that was deleted in its init containers',
    input: state([{ ...ended(137), name: 'i', kind: 'init' }, { ...creating, name: 'j', kind: 'init' }, creating], {
      pod: deleted,
      sandboxReady: false,
      isGone: true,
    }),
    text: `Failed
PodReadyToStartContainers False
Initialized False ContainersNotInitialized (containers with incomplete status: [i j])
Ready False PodFailed
ContainersReady False PodFailed
PodScheduled True`,
  },
  {
    name: 'done',
    input: state([ended(0)], { phase: 'Succeeded', sandboxReady: false }),
    text: `Succeeded
PodReadyToStartContainers False
Initialized True PodCompleted
Ready False PodCompleted
ContainersReady False PodCompleted
PodScheduled True`,
  },
  {
    name: 'failed',
    input: state([ended(1)], { phase: 'Failed', sandboxReady: false }),
    text: `Failed
PodReadyToStartContainers False
Initialized True
Ready False PodFailed
ContainersReady False PodFailed
PodScheduled True`,
  },
];
for (const { name, input, text } of cases) {
  test(`podStatus() of a Pod ${name}`, () => {
    assert.equal(summary(input), text);
  });
}

test('podStatus() writes container statuses as a kubelet does', () => {
  const crashed: ContainerView = {
    ...up,
    state: { kind: 'waiting', reason: 'CrashLoopBackOff', message: 'back-off' },
    last: { kind: 'terminated', exitCode: 1, reason: 'Error', startedAt: NOW, finishedAt: NOW + 1000, id: 'old' },
    restarts: 2,
    ready: false,
    started: false,
  };
  assert.deepEqual(podStatus(state([crashed])).containerStatuses, [
    {
      name: 'c',
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: {
        terminated: {
          exitCode: 1,
          reason: 'Error',
          startedAt: '2026-01-01T00:00:00Z',
          finishedAt: '2026-01-01T00:00:01Z',
          containerID: 'clusterip://old',
        },
      },
      ready: false,
      started: false,
      restartCount: 2,
      image: 'host',
      imageID: 'clusterip://host',
      containerID: 'clusterip://abc',
    },
  ]);
});

test('podStatus() keeps the time of a condition that stays as it was', () => {
  const conditions = [
    { type: 'Ready', status: 'True', lastTransitionTime: 'before' },
    { type: 'ContainersReady', status: 'False', lastTransitionTime: 'before' },
  ];
  const pod = { metadata: { name: 'p' }, spec: { containers: [] }, status: { conditions } } as unknown as Pod;
  const times = podStatus(state([up], { pod })).conditions?.map(({ type, lastTransitionTime }) => [
    type,
    lastTransitionTime,
  ]);
  assert.deepEqual(Object.fromEntries(times ?? []), {
    PodReadyToStartContainers: '2026-01-01T00:00:00Z',
    Initialized: '2026-01-01T00:00:00Z',
    Ready: 'before',
    ContainersReady: '2026-01-01T00:00:00Z',
    PodScheduled: '2026-01-01T00:00:00Z',
  });
});

test('a condition keeps the time at which it was decided, whatever the Pod shows meanwhile', () => {
  const at = (now: number, decided: PodRuntimeState['decided'], shown: PodRuntimeState['decided']): PodRuntimeState => {
    const { pod } = state([up]);
    return state([up], { now, decided, pod: { ...pod, status: { conditions: shown ?? [] } } });
  };
  const first = podStatus(at(NOW, undefined, undefined)).conditions;
  const second = podStatus(at(NOW + 1_000, first, undefined)).conditions;
  assert.deepEqual(second, first);
  // After a restart of the node there is only what the Pod shows.
  assert.deepEqual(podStatus(at(NOW + 2_000, undefined, second)).conditions, first);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, Pod } from '#api/generated/types.ts';
import { formatIndexes, parseIndexes } from './job-indexes.ts';
import { planJob } from './job-plan.ts';
import { PodEnds } from './pod-ends.ts';
import { jobPod, TRACKING } from './job-pod.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 10);
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString().replace('.000Z', 'Z');

function job(spec: object = {}, status: object = {}, metadata: object = {}): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'd', name: 'sum', uid: 'job', creationTimestamp: at(-600), ...metadata },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      template: { metadata: { labels: { app: 'sum' } }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      ...spec,
    },
    status: { startTime: at(-60), ...status },
  } as unknown as Job;
}

/** `a` runs, `b+` succeeded, `c-` failed, `dx` is on its way out; `!` without finalizer, `#2` its index, `@5` ended 5 s ago. */
function pod(text: string): Pod {
  const name = text.charAt(0);
  const has = (mark: string): boolean => text.includes(mark);
  const phase = has('+') ? 'Succeeded' : has('-') ? 'Failed' : 'Running';
  const index = /#(\d+)/.exec(text)?.[1];
  const ended = Number(/@(\d+)/.exec(text)?.[1] ?? 60);
  const state = phase === 'Running' ? {} : { terminated: { finishedAt: at(-ended) } };
  return {
    metadata: {
      namespace: 'd',
      name,
      uid: name,
      creationTimestamp: at(-100),
      finalizers: has('!') ? [] : [TRACKING],
      ...(index === undefined ? {} : { annotations: { 'batch.kubernetes.io/job-completion-index': index } }),
      ...(has('x') ? { deletionTimestamp: at(-60) } : {}),
    },
    spec: {},
    status: {
      phase,
      containerStatuses: [{ restartCount: Number(/r(\d+)/.exec(text)?.[1] ?? 0), state }],
      conditions: [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }],
    },
  } as unknown as Pod;
}

/** Moves, then the counters, then the conditions. */
function plan(of: Job, text: string): string {
  const { status, create, discard, kill, release, expired } = planJob(
    of,
    text.split(' ').filter(Boolean).map(pod),
    NOW,
  );
  const names = (sign: string, list: readonly Pod[]): string[] => list.map(({ metadata }) => `${sign}${metadata.name}`);
  const { succeeded: won, failed: lost } = status.uncountedTerminatedPods ?? {};
  return [
    ...create.map(({ metadata }) => `+${metadata.generateName}`),
    ...names('discard ', discard),
    ...names('kill ', kill),
    ...names('release ', release),
    ...(expired ? ['expired'] : []),
    `a${status.active ?? 0} s${status.succeeded ?? 0} f${status.failed ?? 0} t${status.terminating}`,
    ...(won === undefined ? [] : [`won ${won.join()}`]),
    ...(lost === undefined ? [] : [`lost ${lost.join()}`]),
    ...(status.completedIndexes === undefined ? [] : [`done ${status.completedIndexes}`]),
    ...(status.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value} ${reason}`),
  ].join('; ');
}

const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 2 };
const complete = 'SuccessCriteriaMet=True CompletionsReached; Complete=True CompletionsReached';
const tooOften = 'FailureTarget=True BackoffLimitExceeded';
const target = { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' }] };
const finished = { conditions: [{ type: 'Complete', status: 'True', reason: 'X', lastTransitionTime: at(-10) }] };

const cases: readonly { name: string; job?: Job; pods?: string; is: string }[] = [
  {
    name: 'makes as many Pods as may run at once',
    job: job({ parallelism: 3, completions: 5 }),
    is: '+sum-; +sum-; +sum-; a0 s0 f0 t0',
  },
  {
    name: 'makes no more than are left to succeed',
    job: job({ parallelism: 3, completions: 5 }, { succeeded: 4 }),
    is: '+sum-; a0 s4 f0 t0',
  },
  { name: 'leaves what runs', pods: 'a', is: 'a1 s0 f0 t0' },
  {
    name: 'notes a success before it is counted',
    pods: 'a+',
    is: 'release a; a0 s0 f0 t0; won a; SuccessCriteriaMet=True CompletionsReached',
  },
  {
    name: 'counts it when its finalizer is off',
    job: job(
      {},
      {
        uncountedTerminatedPods: { succeeded: ['a'] },
        conditions: [{ type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached' }],
      },
    ),
    pods: 'a+!',
    is: `a0 s1 f0 t0; ${complete}`,
  },
  {
    name: 'counts it once',
    job: job({}, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    pods: 'a+',
    is: 'release a; a0 s0 f0 t0; won a; SuccessCriteriaMet=True CompletionsReached',
  },
  {
    name: 'counts one that is gone altogether',
    job: job({}, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    is: `a0 s1 f0 t0; ${complete}`,
  },
  { name: 'waits before it replaces a failed Pod', pods: 'a-@5', is: 'release a; a0 s0 f0 t0; lost a' },
  { name: 'replaces it after 10 s', pods: 'a-@10', is: '+sum-; release a; a0 s0 f0 t0; lost a' },
  { name: 'waits twice as long after two', job: job({}, { failed: 2 }), pods: 'a-!@25 b-!@15', is: 'a0 s0 f2 t0' },
  {
    name: 'forgives what failed before a success',
    job: job({ completions: 3 }),
    pods: 'a-!@9 b-!@8 c+!@7',
    is: '+sum-; a0 s0 f0 t0',
  },
  {
    name: 'fails after too many failures, and ends what runs',
    job: job({ backoffLimit: 1, parallelism: 2, completions: 2 }, { failed: 1 }),
    pods: 'a- b',
    is: `kill b; release a; release b; a0 s0 f1 t1; lost a,b; ${tooOften}`,
  },
  {
    name: 'counts those as failed',
    job: job({ backoffLimit: 1 }, { failed: 2, ...target }),
    pods: 'bx',
    is: `release b; a0 s0 f2 t1; lost b; ${tooOften}`,
  },
  {
    name: 'has failed when they are gone',
    job: job({ backoffLimit: 1 }, { failed: 2, uncountedTerminatedPods: { failed: ['b'] }, ...target }),
    is: `a0 s0 f3 t0; ${tooOften}; Failed=True BackoffLimitExceeded`,
  },
  {
    name: 'fails when containers restart too often',
    job: job({ backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure' } } }),
    pods: 'ar2',
    is: `kill a; release a; a0 s0 f0 t1; lost a; ${tooOften}`,
  },
  {
    name: 'fails at its deadline',
    job: job({ activeDeadlineSeconds: 60 }),
    pods: 'a',
    is: 'kill a; release a; a0 s0 f0 t1; lost a; FailureTarget=True DeadlineExceeded',
  },
  {
    name: 'without completions leaves what runs after a success',
    job: job({ completions: undefined, parallelism: 3 }, { succeeded: 1 }),
    pods: 'a',
    is: 'a1 s1 f0 t0',
  },
  {
    name: 'without completions is complete when all have ended',
    job: job({ completions: undefined, parallelism: 3 }, { succeeded: 1 }),
    is: `a0 s1 f0 t0; ${complete}`,
  },
  {
    name: 'gives up what is too much, uncounted',
    job: job({ parallelism: 1, completions: 5 }),
    pods: 'a b',
    is: 'discard a; a1 s0 f0 t0',
  },
  {
    name: 'gives up all when suspended',
    job: job({ suspend: true }),
    pods: 'a',
    is: 'discard a; a0 s0 f0 t0; Suspended=True JobSuspended',
  },
  {
    name: 'goes on when resumed',
    job: job({}, { startTime: undefined, conditions: [{ type: 'Suspended', status: 'True' }] }),
    is: '+sum-; a0 s0 f0 t0; Suspended=False JobResumed',
  },
  {
    name: 'has its whole time again when resumed',
    job: job({ activeDeadlineSeconds: 30 }, { conditions: [{ type: 'Suspended', status: 'True' }] }),
    is: '+sum-; a0 s0 f0 t0; Suspended=False JobResumed',
  },
  { name: 'replaces a Pod on its way out', pods: 'ax', is: '+sum-; release a; a0 s0 f0 t1; lost a' },
  {
    name: 'waits for its end where only failed ones are replaced',
    job: job({ podReplacementPolicy: 'Failed' }),
    pods: 'ax',
    is: 'a0 s0 f0 t1',
  },
  { name: 'takes the lowest free indexes', job: job(indexed), pods: 'a#1', is: '+sum-0-; a1 s0 f0 t0' },
  {
    name: 'does not repeat an index',
    job: job(indexed, { completedIndexes: '0', succeeded: 1 }),
    pods: 'a#1+ b#2',
    is: '+sum-3-; release a; a1 s2 f0 t0; done 0,1',
  },
  {
    name: 'gives up one of two with the same index',
    job: job(indexed),
    pods: 'a#1 b#1',
    is: '+sum-0-; discard a; a1 s0 f0 t0',
  },
  {
    name: 'is complete with its indexes',
    job: job(indexed, { completedIndexes: '0-2' }),
    pods: 'a#3+',
    is: `release a; a0 s4 f0 t0; done 0-3; ${complete}`,
  },
  {
    name: 'does nothing after its end',
    job: job({}, finished),
    is: 'a0 s0 f0 t0; Complete=True X; SuccessCriteriaMet=True X',
  },
  {
    name: 'goes when its time after the end is over',
    job: job({ ttlSecondsAfterFinished: 10 }, finished),
    is: 'expired; a0 s0 f0 t0; Complete=True X; SuccessCriteriaMet=True X',
  },
  {
    name: 'makes nothing when it is deleted',
    job: job({}, {}, { deletionTimestamp: at(0) }),
    pods: 'ax',
    is: 'release a; a0 s0 f0 t1; lost a',
  },
];

for (const c of cases) test(`a Job ${c.name}`, () => assert.equal(plan(c.job ?? job(), c.pods ?? ''), c.is));

test('planJob() waits also after failures whose Pods are gone', () => {
  const ends = new PodEnds();
  assert.deepEqual(ends.gone(job(), [pod('a-@4')]), []);
  const gone = ends.gone(job(), []);
  assert.deepEqual(gone, [{ uid: 'a', at: NOW - 4000, succeeded: false }]);
  const { create, wait } = planJob(job(), [], NOW, gone);
  assert.deepEqual([create, wait], [[], 6000]);
  assert.deepEqual(ends.gone(job(), [pod('b+@1')]), gone);
  assert.deepEqual(ends.gone(job(), []), []);
});

test('planJob() keeps when a Job began while it is suspended, and begins anew when it goes on', () => {
  const began = (spec: object, status: object): string | undefined =>
    planJob(job(spec, status), [], NOW).status.startTime;
  assert.equal(began({ suspend: true }, {}), at(-60));
  assert.equal(began({}, { conditions: [{ type: 'Suspended', status: 'True' }] }), at(0));
});

test('planJob() says when time alone changes something', () => {
  const wait = (of: Job, text: string): number | undefined =>
    planJob(of, text.split(' ').filter(Boolean).map(pod), NOW).wait;
  assert.equal(wait(job({ activeDeadlineSeconds: 90 }), 'a'), 30_000);
  assert.equal(wait(job(), 'a-!@4'), 6000);
  assert.equal(wait(job({ ttlSecondsAfterFinished: 25 }, finished), ''), 15_000);
  assert.equal(wait(job(), 'a'), undefined);
});

test('jobPod() of an index tells the containers', () => {
  const valueFrom = {
    fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
  };
  const made = jobPod(job(), 3);
  const mark = { 'batch.kubernetes.io/job-completion-index': '3' };
  assert.deepEqual(
    [made.metadata.generateName, made.metadata.labels, made.metadata.annotations, made.metadata.finalizers, made.spec],
    [
      'sum-3-',
      { app: 'sum', ...mark },
      mark,
      ['batch.kubernetes.io/job-tracking'],
      {
        containers: [{ name: 'c', env: [{ name: 'JOB_COMPLETION_INDEX', valueFrom }] }],
        restartPolicy: 'Never',
        hostname: 'sum-3',
      },
    ],
  );
});

for (const text of ['', '0', '3,4', '0-2', '0,2-5,9,10']) {
  test(`formatIndexes() writes "${text}" as it was read`, () => assert.equal(formatIndexes(parseIndexes(text)), text));
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job, Pod } from '#api/generated/types.ts';
import { planJob } from './job-plan.ts';
import { TRACKING } from './job-pod.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 10);
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString().replace('.000Z', 'Z');

function job(spec: object = {}, status: object = {}): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'd', name: 'sum', uid: 'job', creationTimestamp: at(-600) },
    spec: {
      parallelism: 2,
      completions: 4,
      backoffLimit: 6,
      completionMode: 'Indexed',
      template: { metadata: { labels: { app: 'sum' } }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      ...spec,
    },
    status: { startTime: at(-60), ...status },
  } as unknown as Job;
}

const DISRUPTED = { type: 'DisruptionTarget', status: 'True' };

/** `a` runs, `b+` succeeded, `c-3` failed with code 3, `dx` is on its way out, `e~` was disrupted; `#2` its index, `f1` failures before, `@5` ended 5 s ago. */
function pod(text: string): Pod {
  const name = text.charAt(0);
  const has = (mark: string): boolean => text.includes(mark);
  const phase = has('+') ? 'Succeeded' : has('-') ? 'Failed' : 'Running';
  const index = /#(\d+)/.exec(text)?.[1] ?? '0';
  const failures = /f(\d+)/.exec(text.slice(1))?.[1] ?? '0';
  const exitCode = Number(/-(\d+)/.exec(text)?.[1] ?? (phase === 'Failed' ? 1 : 0));
  const ended = Number(/@(\d+)/.exec(text)?.[1] ?? 60);
  const state = phase === 'Running' ? {} : { terminated: { finishedAt: at(-ended), exitCode } };
  return {
    metadata: {
      namespace: 'd',
      name,
      uid: name,
      creationTimestamp: at(-100),
      finalizers: [TRACKING],
      annotations: {
        'batch.kubernetes.io/job-completion-index': index,
        'batch.kubernetes.io/job-index-failure-count': failures,
      },
      ...(has('x') ? { deletionTimestamp: at(-60) } : {}),
    },
    spec: {},
    status: {
      phase,
      containerStatuses: [{ name: 'c', state }],
      conditions: has('~') ? [DISRUPTED] : [],
    },
  } as unknown as Pod;
}

function plan(of: Job, text: string): string {
  const { status, create, kill, release, wait } = planJob(of, text.split(' ').filter(Boolean).map(pod), NOW);
  const names = (sign: string, list: readonly Pod[]): string[] => list.map(({ metadata }) => `${sign}${metadata.name}`);
  const made = create.map(({ metadata: { annotations = {} } }) => {
    const count = annotations['batch.kubernetes.io/job-index-failure-count'];
    const ignored = annotations['batch.kubernetes.io/job-index-ignored-failure-count'];
    const index = annotations['batch.kubernetes.io/job-completion-index'];
    return `+#${index}${count === undefined ? '' : `f${count}`}${ignored === undefined ? '' : `i${ignored}`}`;
  });
  const { failed: lost } = status.uncountedTerminatedPods ?? {};
  return [
    ...made,
    ...names('kill ', kill),
    ...names('release ', release),
    `a${status.active ?? 0} s${status.succeeded ?? 0} f${status.failed ?? 0}`,
    ...(lost === undefined ? [] : [`lost ${lost.join()}`]),
    ...(status.completedIndexes === undefined ? [] : [`done ${status.completedIndexes}`]),
    ...(status.failedIndexes === undefined ? [] : [`undone ${status.failedIndexes}`]),
    ...(wait === undefined ? [] : [`wait ${wait / 1000}`]),
    ...(status.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
  ].join('; ');
}

const limit = { backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 };
const rules = (...list: readonly object[]): object => ({
  podFailurePolicy: { rules: list },
  podReplacementPolicy: 'Failed',
});
const onExit = (action: string, operator: string, ...values: readonly number[]): object => ({
  action,
  onExitCodes: { operator, values },
});
const onDisruption = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] };

const cases: readonly { name: string; job: Job; pods?: string; is: string }[] = [
  {
    name: 'counts failures by index, from none',
    job: job({ ...limit, parallelism: 4 }),
    is: '+#0f0; +#1f0; +#2f0; +#3f0; a0 s0 f0; undone ',
  },
  {
    name: 'keeps a failed Pod until its index has another, and makes others meanwhile',
    job: job(limit),
    pods: 'a-@5 b#1',
    is: '+#2f0; a1 s0 f0; undone ; wait 5',
  },
  {
    name: 'makes the next of an index when it has waited, with what failed before',
    job: job(limit),
    pods: 'a-@10 b#1',
    is: '+#0f1; a1 s0 f0; undone ',
  },
  {
    name: 'counts the failure once the next one is there',
    job: job(limit),
    pods: 'a- b#1 cf1',
    is: 'release a; a2 s0 f0; lost a; undone ',
  },
  {
    name: 'gives an index up, and goes on with the others',
    job: job(limit),
    pods: 'a-f1 b#1',
    is: '+#2f0; release a; a1 s0 f0; lost a; undone 0',
  },
  {
    name: 'fails when nothing is left but given up indexes',
    job: job({ ...limit, completions: 2 }, { completedIndexes: '1', failedIndexes: '0' }),
    is: 'a0 s1 f0; done 1; undone 0; FailureTarget FailedIndexes: Job has failed indexes; Failed FailedIndexes: Job has failed indexes',
  },
  {
    name: 'fails at once when too many are given up',
    job: job({ ...limit, maxFailedIndexes: 1 }, { failedIndexes: '2' }),
    pods: 'a-f1 b#1',
    is:
      'kill b; release a; release b; a0 s0 f0; lost a,b; undone 0,2; FailureTarget MaxFailedIndexesExceeded: Job has exceeded the ' +
      'specified maximal number of failed indexes',
  },
  {
    name: 'gives no index up for a Pod that it ends itself',
    job: job(
      { backoffLimitPerIndex: 0, maxFailedIndexes: 0 },
      {
        failedIndexes: '2',
        conditions: [{ type: 'FailureTarget', status: 'True', reason: 'MaxFailedIndexesExceeded', message: 'M' }],
      },
    ),
    pods: 'bx#1',
    is: 'release b; a0 s0 f0; lost b; undone 2; FailureTarget MaxFailedIndexesExceeded: M',
  },
  {
    name: 'gives an index up where a rule says so',
    job: job({ ...limit, ...rules(onExit('FailIndex', 'In', 7)) }),
    pods: 'a-7 b#1',
    is: '+#2f0; release a; a1 s0 f0; lost a; undone 0',
  },
  {
    name: 'fails where a rule says so',
    job: job(rules(onExit('FailJob', 'In', 42))),
    pods: 'a-42 b#1',
    is:
      'kill b; release a; release b; a0 s0 f0; lost a,b; FailureTarget PodFailurePolicy: Container c for pod d/a failed with exit ' +
      'code 42 matching FailJob rule at index 0',
  },
  {
    name: 'does not count what a rule ignores',
    job: job({ ...rules(onDisruption), backoffLimit: 0 }),
    pods: 'a-~@99 b#1',
    is: '+#0; release a; a1 s0 f0',
  },
  {
    name: 'carries on what is ignored of an index',
    job: job({ ...limit, ...rules(onDisruption) }),
    pods: 'a-~@99 b#1',
    is: '+#0f0i1; a1 s0 f0; undone ',
  },
  {
    name: 'takes the first rule that matches',
    job: job(rules(onExit('Count', 'In', 42), onExit('FailJob', 'NotIn', 1))),
    pods: 'a-42@5 b#1',
    is: 'release a; a1 s0 f0; lost a; wait 5',
  },
  {
    name: 'succeeds with the indexes that matter',
    job: job({ successPolicy: { rules: [{ succeededIndexes: '0,2-3', succeededCount: 2 }] } }),
    pods: 'a+ b#1 c+#3',
    is: 'kill b; release a; release b; release c; a0 s2 f0; done 0,3; SuccessCriteriaMet SuccessPolicy: Matched rules at index 0',
  },
  {
    name: 'does not count what it ends after a success',
    job: job(
      { successPolicy: { rules: [{ succeededCount: 1 }] }, podReplacementPolicy: 'Failed' },
      {
        completedIndexes: '0',
        conditions: [
          { type: 'SuccessCriteriaMet', status: 'True', reason: 'SuccessPolicy', message: 'Matched rules at index 0' },
        ],
      },
    ),
    pods: 'bx#1',
    is: 'release b; a0 s1 f0; done 0; SuccessCriteriaMet SuccessPolicy: Matched rules at index 0',
  },
  {
    name: 'does not take an index whose Pod has yet to end',
    job: job({ podReplacementPolicy: 'Failed', parallelism: 3 }),
    pods: 'ax b#1',
    is: '+#2; a1 s0 f0',
  },
];
for (const c of cases) {
  test(`planJob() ${c.name}`, () => assert.equal(plan(c.job, c.pods ?? ''), c.is));
}

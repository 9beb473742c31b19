/** Jobs and CronJobs to their end, and what else decides on how many Pods there are, on a real node. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';
import { polite, workload, Workspace } from './testing/workspace.ts';

const CONDITIONS = '{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}';

/** A Job whose containers run a line of shell. */
function job(name: string, script: string, spec: object, pod: object = {}): object {
  const containers = [{ name: 'c', image: 'host', command: ['sh', '-c', script] }];
  return workload('batch/v1', 'Job', name, spec, { restartPolicy: 'Never', containers, ...pod });
}

async function indexed(on: Workspace): Promise<void> {
  const spec = { completions: 4, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 0 };
  await on.apply(
    job('some', 'echo $JOB_COMPLETION_INDEX $(hostname); [ $JOB_COMPLETION_INDEX != 2 ]', spec),
    job('few', 'exit 1', { ...spec, maxFailedIndexes: 1 }),
    job('first', '[ $JOB_COMPLETION_INDEX = 0 ] || sleep infinity', {
      completions: 3,
      parallelism: 3,
      completionMode: 'Indexed',
      successPolicy: { rules: [{ succeededIndexes: '0' }] },
    }),
  );
  await on.wait('condition=Failed', 'job/some', 'job/few');
  assert.equal(await on.get('{.status.completedIndexes} {.status.failedIndexes}', 'job', 'some'), '0,1,3 2');
  assert.match(await on.get(CONDITIONS, 'job', 'some'), /^Failed=True FailedIndexes: Job has failed indexes$/m);
  const logs = await on.kubectl('logs', '-l', 'job-name=some', '--tail=-1');
  assert.equal(logs.trim().split('\n').sort().join(', '), '0 some-0, 1 some-1, 2 some-2, 3 some-3');
  assert.match(
    await on.get(CONDITIONS, 'job', 'few'),
    /^Failed=True MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes$/m,
  );
  await on.wait('condition=Complete', 'job/first');
  assert.match(await on.get(CONDITIONS, 'job', 'first'), /^Complete=True SuccessPolicy: Matched rules at index 0$/m);
  assert.match(await on.kubectl('get', 'job', 'first', '--no-headers'), /^first +Complete +1\/3 /);
}

async function failures(on: Workspace): Promise<void> {
  const failJob = { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'In', values: [42] } };
  const ignore = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] };
  const podFailurePolicy = { rules: [failJob, ignore] };
  await on.apply(
    job('limit', 'exit 1', { backoffLimit: 0 }),
    job('inside', 'exit 1', { backoffLimit: 1 }, { restartPolicy: 'OnFailure' }),
    job('policy', 'exit 42', { backoffLimit: 6, podFailurePolicy }),
    job('late', 'sleep infinity', { activeDeadlineSeconds: 1 }),
    job('brief', 'true', { ttlSecondsAfterFinished: 1 }),
    job('evicted', 'trap "exit 1" TERM; sleep infinity & wait', { backoffLimit: 0, podFailurePolicy }),
  );
  const ends: Readonly<Record<string, RegExp>> = {
    limit: /^Failed=True BackoffLimitExceeded: Job has reached the specified backoff limit$/m,
    inside: /^Failed=True BackoffLimitExceeded: /m,
    policy:
      /^Failed=True PodFailurePolicy: Container c for pod failures\/policy-\w+ failed with exit code 42 matching FailJob rule at index 0$/m,
    late: /^Failed=True DeadlineExceeded: Job was active longer than specified deadline$/m,
  };
  // A Pod that has to go for others' sake is no failure of the Job, and another takes its place.
  const pod = '{.items[?(@.status.phase=="Running")].metadata.name}';
  await eventually('its Pod', true, async () => (await on.get(pod, 'pods', '-l', 'app=evicted')) !== '');
  const first = await on.get(pod, 'pods', '-l', 'app=evicted');
  await evict(on, first);
  await eventually('another', true, async () => {
    const now = await on.get(pod, 'pods', '-l', 'app=evicted');
    return now !== '' && now !== first;
  });
  assert.equal(await on.get('{.status.failed}', 'job', 'evicted'), '');
  for (const [name, pattern] of Object.entries(ends)) {
    await on.wait('condition=Failed', `job/${name}`);
    assert.match(await on.get(CONDITIONS, 'job', name), pattern);
  }
  assert.equal(await on.get('{.items[*].metadata.name}', 'pods', '-l', 'app=late'), '');
  await on.wait('delete', 'job/brief');
}

async function suspended(on: Workspace): Promise<void> {
  await on.apply(
    job('held', 'trap "exit 1" TERM; sleep infinity & wait', { suspend: true, parallelism: 2, completions: 2 }),
  );
  await on.wait('condition=Suspended', 'job/held');
  const pods = (): Promise<string> => on.get('{.items[*].status.phase}', 'pods');
  assert.equal(await pods(), '');
  const suspend = (value: boolean): Promise<string> =>
    on.kubectl('patch', 'job', 'held', '-p', JSON.stringify({ spec: { suspend: value } }));
  await suspend(false);
  await eventually('both run', 'Running Running', pods);
  await on.kubectl('patch', 'job', 'held', '-p', '{"spec":{"parallelism":1}}');
  await eventually('one runs', 'Running', pods);
  await suspend(true);
  await eventually('none runs', '', pods);
  await on.until('True', '{.status.conditions[?(@.type=="Suspended")].status}', 'job', 'held');
  const reasons = (await on.events('held')).map((event) => event.split(' ')[1]);
  assert.deepEqual([...new Set(reasons)], ['Suspended', 'SuccessfulCreate', 'Resumed', 'SuccessfulDelete']);
}

/** Every two seconds; but the name of a Job is that of its minute, as upstream has it, so one at most is made in each. */
async function scheduled(on: Workspace): Promise<void> {
  const jobTemplate = {
    spec: { template: { spec: { restartPolicy: 'Never', containers: [polite({ command: ['true'] })] } } },
  };
  const cron = (name: string, spec: object): object => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: { schedule: '@every 2s', jobTemplate, ...spec },
  });
  await on.apply(cron('often', { successfulJobsHistoryLimit: 0 }), cron('held', { suspend: true }));
  await on.happened('often', /^Normal SuccessfulCreate Created job often-\d+$/);
  await on.happened('often', /^Normal SawCompletedJob Saw completed job: often-\d+, condition: Complete$/);
  await on.happened('often', /^Normal SuccessfulDelete Deleted job often-\d+$/);
  assert.match(await on.get('{.status.lastScheduleTime} {.status.lastSuccessfulTime}', 'cronjob', 'often'), /Z .*Z$/);
  await on.kubectl('create', 'job', '--from=cronjob/held', 'by-hand');
  await on.wait('condition=Complete', 'job/by-hand');
  const unexpected = 'Warning UnexpectedJob Saw a job that the controller did not create or forgot: by-hand';
  assert.deepEqual(await on.events('held'), [unexpected]);
}

async function evict(on: Workspace, name: string): Promise<void> {
  const done = await tryEvict(on, name);
  assert.equal(done.code, 0, done.stderr);
}

function tryEvict(on: Workspace, name: string): ReturnType<Workspace['try']> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: on.namespace } };
  const path = `/api/v1/namespaces/${on.namespace}/pods/${name}/eviction`;
  return on.try(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
}

async function budget(on: Workspace): Promise<void> {
  const spec = { minAvailable: 2, selector: { matchLabels: { app: 'web' } } };
  const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec };
  await on.apply(budget, workload('apps/v1', 'Deployment', 'web', { replicas: 2 }));
  await on.until(
    '2 2 0',
    '{.status.currentHealthy} {.status.desiredHealthy} {.status.disruptionsAllowed}',
    'pdb',
    'web',
  );
  const [pod = ''] = (await on.get('{.items[*].metadata.name}', 'pods')).split(' ');
  const refused = await tryEvict(on, pod);
  assert.match(
    refused.stderr,
    /Error from server \(TooManyRequests\): Cannot evict pod as it would violate the pod's disruption budget\.$/m,
  );
  await on.kubectl('scale', 'deployment', 'web', '--replicas=3');
  await on.until('1', '{.status.disruptionsAllowed}', 'pdb', 'web');
  await evict(on, pod);
  await on.wait('delete', `pod/${pod}`);
  await on.until('3', '{.status.readyReplicas}', 'deployment', 'web');
}

/** Of a tenth of a processor, five times what it asks for. */
const BUSY = `import time
while True:
    begun = time.monotonic()
    while time.monotonic() - begun < 0.01: pass
    time.sleep(0.09)`;

async function autoscaled(on: Workspace): Promise<void> {
  const containers = [
    { name: 'c', image: 'host', command: ['python3', '-c', BUSY], resources: { requests: { cpu: '20m' } } },
  ];
  await on.apply(workload('apps/v1', 'Deployment', 'busy', {}, { containers }));
  await on.kubectl('rollout', 'status', 'deployment/busy', '--timeout=60s');
  await on.kubectl('autoscale', 'deployment', 'busy', '--max=2', '--cpu-percent=80');
  await on.until('2', '{.status.readyReplicas}', 'deployment', 'busy');
  await on.happened(
    'busy',
    /^Normal SuccessfulRescale New size: 2; reason: cpu resource utilization \(percentage of request\) above target$/,
  );
  assert.match(await on.kubectl('top', 'pods', '--no-headers'), /^busy-\S+ +\d\d+m +\d+Mi/);
}

test('as many Pods as it takes', { timeout: 280_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  const stories: Readonly<Record<string, readonly [string, (on: Workspace) => Promise<void>]>> = {
    autoscaled: ['a Deployment grows with the processor time that its Pods take', autoscaled],
    indexed: ['Jobs with an index each, and how many of them must succeed', indexed],
    failures: ['Jobs that fail: too often, by policy, too late, for others', failures],
    suspended: ['a Job that is held, let go, narrowed and held again', suspended],
    scheduled: ['a CronJob by the clock, and one by hand', scheduled],
    budget: ['a budget stands in the way of an eviction', budget],
  };
  await Promise.all(
    Object.entries(stories).map(([namespace, [name, story]]) =>
      t.test(name, async () => story(await Workspace.make(cluster, namespace))),
    ),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, CronJob, Job } from '#api/generated/types.ts';
import { cronJobs, jobs } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startCronJobController } from './cron-job.ts';

const REF = { namespace: 'd', name: 'tick' };
const MINUTE = 60_000;

async function started(spec: object): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.start(startCronJobController);
  const jobTemplate = { metadata: { labels: { app: 'tick' } }, spec: { template: { spec: { containers: [] } } } };
  const cron = { metadata: REF, spec: { schedule: '* * * * *', jobTemplate, ...spec } };
  await plane.client.create(cronJobs, cron);
  await plane.rest();
  return plane;
}

/** Minutes since the start, of the Jobs that are there; a star for those in `status.active`. */
function minutes(plane: ControlPlane): string {
  const start = Date.UTC(2026, 0, 1) / MINUTE;
  const active = new Set(plane.api.all<CronJob>('cronjobs')[0]?.status?.active?.map(({ name }) => name));
  return plane.api
    .all<Job>('jobs')
    .map(({ metadata: { name } }) => `${Number(name.slice('tick-'.length)) - start}${active.has(name) ? '*' : ''}`)
    .join(' ');
}

async function finish(plane: ControlPlane, type: string): Promise<void> {
  for (const { metadata, status } of plane.api.all<Job>('jobs')) {
    if (status?.conditions !== undefined) continue;
    const time = new Date(plane.clock.now()).toISOString();
    const body = { status: { conditions: [{ type, status: 'True', lastTransitionTime: time }], completionTime: time } };
    await plane.client.patch(jobs, metadata, { kind: 'merge', body }, { subresource: 'status' });
  }
  await plane.rest();
}

async function pass(plane: ControlPlane, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await plane.clock.advance(MINUTE);
    await plane.rest();
  }
}

function reasons(plane: ControlPlane): string[] {
  return plane.api
    .all<CoreEvent>('events')
    .map(({ reason, count }) => `${reason} ${count}`)
    .sort();
}

test('a CronJob starts a Job at each time and keeps the last of them', async () => {
  await using plane = await started({ successfulJobsHistoryLimit: 2 });
  assert.equal(minutes(plane), '');
  await pass(plane, 1);
  assert.equal(minutes(plane), '1*');
  const [job] = plane.api.all<Job>('jobs');
  assert.deepEqual(
    [job?.metadata.labels, job?.metadata.annotations, job?.metadata.ownerReferences?.[0]?.kind],
    [{ app: 'tick' }, { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z' }, 'CronJob'],
  );
  await pass(plane, 1);
  assert.equal(minutes(plane), '1* 2*');
  await finish(plane, 'Complete');
  assert.equal(minutes(plane), '1 2');
  await pass(plane, 1);
  await finish(plane, 'Complete');
  assert.equal(minutes(plane), '2 3');
  const { active: _, ...status } = plane.api.all<CronJob>('cronjobs')[0]?.status ?? {};
  assert.deepEqual(status, {
    lastScheduleTime: '2026-01-01T00:03:00Z',
    lastSuccessfulTime: '2026-01-01T00:03:00.000Z',
  });
});

const policies = [
  { policy: 'Allow', is: '1* 2* 3*' },
  { policy: 'Forbid', is: '1*' },
  { policy: 'Replace', is: '3*' },
];

for (const { policy, is } of policies) {
  test(`a CronJob with ${policy} while its Job runs`, async () => {
    await using plane = await started({ concurrencyPolicy: policy });
    await pass(plane, 3);
    assert.equal(minutes(plane), is);
  });
}

test('a CronJob whose Job ends late starts the one it was kept from', async () => {
  await using plane = await started({ concurrencyPolicy: 'Forbid' });
  await pass(plane, 3);
  await finish(plane, 'Failed');
  assert.equal(minutes(plane), '1 3*');
});

test('a suspended CronJob starts nothing, and only the last when it goes on', async () => {
  await using plane = await started({ suspend: true });
  await pass(plane, 3);
  assert.equal(minutes(plane), '');
  await plane.client.patch(cronJobs, REF, { kind: 'merge', body: { spec: { suspend: false } } });
  await plane.rest();
  assert.equal(minutes(plane), '3*');
});

test('a CronJob starts nothing after its deadline', async () => {
  await using plane = await started({ schedule: '0 * * * *', suspend: true, startingDeadlineSeconds: 30 });
  await pass(plane, 61);
  await plane.client.patch(cronJobs, REF, { kind: 'merge', body: { spec: { suspend: false } } });
  await plane.rest();
  assert.equal(minutes(plane), '');
});

const bad = [
  { name: 'a schedule that is none', spec: { schedule: 'now' }, is: ['UnparseableSchedule 1'] },
  { name: 'a time zone that is none', spec: { timeZone: 'Mars/Olympus' }, is: ['UnknownTimeZone 1'] },
];

for (const { name, spec, is } of bad) {
  test(`a CronJob says that it has ${name}`, async () => {
    await using plane = await started(spec);
    await pass(plane, 2);
    assert.deepEqual([minutes(plane), reasons(plane)], ['', is]);
  });
}

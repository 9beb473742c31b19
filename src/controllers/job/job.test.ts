import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Job, Pod } from '#api/generated/types.ts';
import { jobs, pods } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startGarbageCollector } from '../garbage/garbage-collector.ts';
import { startJobController } from './job.ts';
import { startScheduler } from '../scheduler/scheduler.ts';

const REF = { namespace: 'd', name: 'sum' };

function sum(spec: object): Job {
  return {
    metadata: REF,
    spec: {
      selector: { matchLabels: { app: 'sum' } },
      template: { metadata: { labels: { app: 'sum' } }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      ...spec,
    },
  } as unknown as Job;
}

async function started(): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startJobController, startScheduler, (context) => void startGarbageCollector(context));
  return plane;
}

async function end(plane: ControlPlane, phase: string, choose: (pod: Pod) => boolean = () => true): Promise<void> {
  for (const pod of plane.pods().filter((found) => found.status?.phase === 'Running' && choose(found))) {
    const body = { status: { phase } };
    await plane.client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' });
  }
  await plane.converge();
}

function status(plane: ControlPlane): string {
  const { active = 0, succeeded = 0, failed = 0, conditions } = plane.api.all<Job>('jobs')[0]?.status ?? {};
  return [`${active}/${succeeded}/${failed}`, ...(conditions ?? []).map(({ type }) => type)].join(' ');
}

test('a Job runs its Pods, counts each once, and goes with them when its time is over', async () => {
  await using plane = await started();
  await plane.client.create(jobs, sum({ parallelism: 2, completions: 3, ttlSecondsAfterFinished: 60 }));
  await plane.converge();
  assert.equal(status(plane), '2/0/0');
  await end(plane, 'Succeeded');
  assert.equal(status(plane), '1/2/0');
  await end(plane, 'Succeeded');
  assert.equal(status(plane), '0/3/0 SuccessCriteriaMet Complete');
  assert.deepEqual(
    plane.pods().flatMap(({ metadata }) => metadata.finalizers ?? []),
    [],
  );
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.clock.advance(59_000);
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
  await plane.clock.advance(1000);
  await plane.converge();
  assert.deepEqual([plane.api.all('jobs').length, plane.pods().length], [0, 0]);
  const events = plane.api.all<CoreEvent>('events').filter(({ involvedObject }) => involvedObject.kind === 'Job');
  assert.deepEqual(events.map(({ reason }) => reason).sort(), ['Completed', ...Array(3).fill('SuccessfulCreate')]);
});

test('a Job tries again, more and more slowly, and gives up', async () => {
  await using plane = await started();
  await plane.client.create(jobs, sum({ parallelism: 1, completions: 1, backoffLimit: 1 }));
  await plane.converge();
  await end(plane, 'Failed');
  assert.equal(status(plane), '0/0/1');
  await plane.clock.advance(10_000);
  await plane.converge();
  assert.equal(status(plane), '1/0/1');
  await end(plane, 'Failed');
  assert.equal(status(plane), '0/0/2 FailureTarget Failed');
});

test('the Pods of a Job that is deleted can go', async () => {
  await using plane = await started();
  await plane.client.create(jobs, sum({ parallelism: 2 }));
  await plane.converge();
  await plane.client.delete(jobs, REF, { propagationPolicy: 'Background' });
  await plane.converge();
  assert.equal(plane.pods().length, 0);
});

test('a Pod that a Job gives up or that nobody has is free to go, one that a Job takes is held until it is counted', async () => {
  await using plane = await started();
  await plane.client.create(jobs, sum({ parallelism: 1, completions: 2 }));
  await plane.converge();
  const [first] = plane.pods();
  assert.ok(first);
  const patch = (ref: Pod['metadata'], metadata: object): Promise<Pod> =>
    plane.client.patch(pods, ref, { kind: 'merge', body: { metadata } });
  const shown = (name: string): string => {
    const { finalizers, ownerReferences } = plane.pods().find(({ metadata }) => metadata.name === name)?.metadata ?? {};
    return `${ownerReferences?.[0]?.name} ${finalizers?.join()}`;
  };
  assert.equal(shown(first.metadata.name), 'sum batch.kubernetes.io/job-tracking');
  await patch(first.metadata, { labels: { app: 'other' } });
  await plane.converge();
  assert.equal(shown(first.metadata.name), 'undefined undefined');

  await patch(first.metadata, { finalizers: ['batch.kubernetes.io/job-tracking', 'example.org/mine'] });
  await plane.converge();
  assert.equal(shown(first.metadata.name), 'undefined example.org/mine');

  await plane.client.delete(
    pods,
    plane.pods().find(({ metadata }) => metadata.labels?.['app'] === 'sum')?.metadata ?? REF,
  );
  await patch(first.metadata, { labels: { app: 'sum' } });
  await plane.converge();
  assert.equal(shown(first.metadata.name), 'sum example.org/mine,batch.kubernetes.io/job-tracking');
  await end(plane, 'Succeeded', ({ metadata }) => metadata.name === first.metadata.name);
  assert.match(status(plane), /^\d\/1\//);
  assert.equal(shown(first.metadata.name), 'sum example.org/mine');
});

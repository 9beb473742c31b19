import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControllerRevision, CoreEvent, PersistentVolumeClaim, StatefulSet } from '#api/generated/types.ts';
import { persistentVolumes, statefulSets } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startScheduler } from '../scheduler/scheduler.ts';
import { startPersistentVolumeController } from '../volume/persistent-volume.ts';
import { startStatefulSetController } from './stateful-set.ts';

const ALL = [startStatefulSetController, startScheduler, startPersistentVolumeController];
const REF = { namespace: 'd', name: 'db' };

function db(image: string, extra: object = {}): StatefulSet {
  const spec = {
    replicas: 3,
    serviceName: 'db',
    revisionHistoryLimit: 1,
    selector: { matchLabels: { app: 'db' } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image }] } },
    ...extra,
  };
  return { metadata: REF, spec } as unknown as StatefulSet;
}

async function change(plane: ControlPlane, next: StatefulSet): Promise<void> {
  const current = await plane.client.get(statefulSets, REF);
  await plane.client.update(statefulSets, { ...current, spec: next.spec });
}

function images(plane: ControlPlane): string {
  return plane
    .pods()
    .map(({ metadata, spec }) => `${metadata.name}=${spec.containers[0]?.image}`)
    .join(' ');
}

function revisions(plane: ControlPlane): number[] {
  return plane.api
    .all<ControllerRevision>('controllerrevisions')
    .map(({ revision }) => revision)
    .sort();
}

function status(plane: ControlPlane): string {
  const { currentRevision, updateRevision, ...counts } = plane.api.all<StatefulSet>('statefulsets')[0]?.status ?? {};
  return `${JSON.stringify(counts)} ${currentRevision === updateRevision ? 'settled' : 'updating'}`;
}

test('a StatefulSet makes its Pods in order, updates them from the top, and back', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(statefulSets, db('one'));
  await plane.rest();
  assert.equal(images(plane), 'db-0=one');
  await plane.converge();
  assert.equal(images(plane), 'db-0=one db-1=one db-2=one');
  const counts = { observedGeneration: 1, replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 };
  const full = { availableReplicas: 3, collisionCount: 0 };
  const sorted = (text: string): string => JSON.stringify(Object.entries(JSON.parse(text) as object).sort());
  const [json = '', phase] = status(plane).split(' ');
  assert.deepEqual([sorted(json), phase], [sorted(JSON.stringify({ ...counts, ...full })), 'settled']);
  await change(plane, db('two', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }));
  await plane.converge();
  assert.equal(images(plane), 'db-0=one db-1=one db-2=two');
  assert.equal(status(plane).split(' ')[1], 'updating');
  await change(plane, db('two'));
  await plane.converge();
  assert.equal(images(plane), 'db-0=two db-1=two db-2=two');
  await change(plane, db('one'));
  await plane.converge();
  assert.equal(images(plane), 'db-0=one db-1=one db-2=one');
  assert.deepEqual(revisions(plane), [2, 3]);
  await change(plane, db('three', { replicas: 1 }));
  await plane.converge();
  assert.equal(images(plane), 'db-0=three');
  // One that is in use and, as the limit has it, one more.
  assert.deepEqual(revisions(plane), [3, 4]);
});

test('a StatefulSet at rest writes nothing', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(statefulSets, db('one', { podManagementPolicy: 'Parallel' }));
  await plane.converge();
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.clock.advance(3_600_000);
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
});

test('a Pod waits for its claims, which stay when it goes', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  const claims = [{ metadata: { name: 'disk' }, spec: { accessModes: ['ReadWriteOnce'] } }];
  await plane.client.create(statefulSets, db('one', { replicas: 1, volumeClaimTemplates: claims }));
  await plane.rest();
  const [pod] = plane.pods();
  assert.equal(
    pod?.status?.conditions?.[0]?.message,
    '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
  );
  const [claim] = plane.api.all('persistentvolumeclaims');
  assert.equal(claim?.metadata.name, 'disk-db-0');
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } };
  await plane.client.create(persistentVolumes, { metadata: { name: 'v' }, spec });
  await plane.converge();
  assert.equal(plane.pods()[0]?.spec.nodeName, 'n1');
  await change(plane, db('one', { replicas: 0, volumeClaimTemplates: claims }));
  await plane.converge();
  assert.deepEqual([plane.pods().length, plane.api.all('persistentvolumeclaims').length], [0, 1]);
  const events = plane.api.all<CoreEvent>('events').map(({ reason, message }) => `${reason}: ${message}`);
  assert.deepEqual(events.filter((text) => text.startsWith('Successful')).sort(), [
    'SuccessfulCreate: create Claim disk-db-0 Pod db-0 in StatefulSet db success',
    'SuccessfulCreate: create Pod db-0 in StatefulSet db successful',
    'SuccessfulDelete: delete Pod db-0 in StatefulSet db successful',
  ]);
});

test('a template of claims without metadata breaks nothing', async () => {
  await using plane = controlPlane();
  await plane.start(...ALL);
  const claim = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } };
  await plane.client.create(statefulSets, db('a', { volumeClaimTemplates: [claim] }));
  await plane.rest();
  const names = plane.api.all<PersistentVolumeClaim>('persistentvolumeclaims').map(({ metadata }) => metadata.name);
  assert.deepEqual(names, ['-db-0'], 'which a real server refuses');
});

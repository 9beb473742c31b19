import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '#api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startScheduler } from '../scheduler/scheduler.ts';
import { startEphemeralVolumeController } from './ephemeral-volume.ts';
import { startPersistentVolumeController } from './persistent-volume.ts';
import { LOCAL_PROVISIONER, startLocalProvisioner } from './provisioner.ts';
import { startVolumeProtection } from './volume-protection.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';
const HOST = 'kubernetes.io/hostname';

interface Stage extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly directories: Set<string>;
  /** What `create` of a directory fails with. */
  failWith: string | undefined;
}

/** All of storage on two nodes, with directories that are names in a set. */
async function stage(storageClass: Partial<StorageClass> = {}): Promise<Stage> {
  const plane = controlPlane();
  const directories = new Set<string>();
  const result: Stage = {
    plane,
    directories,
    failWith: undefined,
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
  for (const name of ['n1', 'n2']) await plane.addNode(name, { metadata: { name, labels: { [HOST]: name } } as never });
  await plane.client.create(storageClasses, {
    metadata: { name: 'standard' },
    provisioner: LOCAL_PROVISIONER,
    volumeBindingMode: 'WaitForFirstConsumer',
    ...storageClass,
  });
  const provisioner = {
    create(name: string): Promise<string> {
      if (result.failWith !== undefined) return Promise.reject(new Error(result.failWith));
      directories.add(`/volumes/${name}`);
      return Promise.resolve(`/volumes/${name}`);
    },
    remove(path: string): Promise<void> {
      directories.delete(path);
      return Promise.resolve();
    },
  };
  await plane.start(
    startScheduler,
    startPersistentVolumeController,
    startVolumeProtection,
    startEphemeralVolumeController,
    (context) => startLocalProvisioner(context, provisioner),
  );
  return result;
}

async function makeClaim(plane: ControlPlane, name: string, spec: object = {}): Promise<void> {
  await plane.client.create(persistentVolumeClaims, {
    metadata: { namespace: 'd', name, finalizers: [CLAIM_FINALIZER] },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'standard',
      ...spec,
    },
  });
  await plane.rest();
}

async function makeVolume(plane: ControlPlane, name: string, spec: object = {}): Promise<void> {
  await plane.client.create(persistentVolumes, {
    metadata: { name, finalizers: [VOLUME_FINALIZER] },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      hostPath: { path: `/x/${name}` },
      persistentVolumeReclaimPolicy: 'Retain',
      ...spec,
    },
  });
  await plane.rest();
}

async function makePod(plane: ControlPlane, name: string, volumes: readonly object[], spec: object = {}): Promise<Pod> {
  const pod = await plane.client.create(pods, {
    metadata: { namespace: 'd', name },
    spec: { containers: [{ name: 'c' }], volumes, ...spec },
  } as never);
  await plane.rest();
  return pod;
}

const uses = (claimName: string): object => ({ name: 'v', persistentVolumeClaim: { claimName } });

/** `claim phase volume` and `volume phase claim`; the name of a volume made for a claim is that of the claim. */
function state(plane: ControlPlane): string {
  const claims = plane.api.all<PersistentVolumeClaim>('persistentvolumeclaims');
  const short = (name: string = ''): string =>
    claims.find(({ metadata }) => name === `pvc-${metadata.uid}`)?.metadata.name.replace(/^/, 'pvc-') ?? name;
  const lines = claims.map(({ metadata, spec, status }) =>
    [metadata.name, status?.phase ?? '-', short(spec.volumeName), status?.capacity?.['storage']].join(' ').trim(),
  );
  const volumes = plane.api
    .all<PersistentVolume>('persistentvolumes')
    .map(({ metadata, spec, status }) =>
      [short(metadata.name), status?.phase ?? '-', spec.claimRef?.name].join(' ').trim(),
    );
  return [...lines, ...volumes].join('; ');
}

function events(plane: ControlPlane, kind: string): readonly string[] {
  return plane.api
    .all<CoreEvent>('events')
    .filter(({ involvedObject }) => involvedObject.kind === kind)
    .map(({ reason }) => reason ?? '');
}

function nodeOf(plane: ControlPlane, name: string): string | undefined {
  return plane.pods().find(({ metadata }) => metadata.name === name)?.spec.nodeName;
}

test('a volume is made when the first Pod of its claim has a node, and goes with the claim', async () => {
  await using scene = await stage();
  const { plane, directories } = scene;
  await makeClaim(plane, 'data');
  assert.equal(state(plane), 'data Pending');
  await makePod(plane, 'a', [uses('data')]);
  assert.equal(state(plane), 'data Bound pvc-data 1Gi; pvc-data Bound data');
  assert.equal(nodeOf(plane, 'a'), 'n1');
  assert.equal(directories.size, 1);
  assert.deepEqual([...events(plane, 'PersistentVolumeClaim')].sort(), [
    'ExternalProvisioning',
    'Provisioning',
    'ProvisioningSucceeded',
    'WaitForFirstConsumer',
  ]);
  // In use it stays.
  await plane.client.delete(persistentVolumeClaims, { namespace: 'd', name: 'data' });
  await plane.rest();
  assert.equal(state(plane), 'data Bound pvc-data 1Gi; pvc-data Bound data');
  await plane.client.delete(pods, { namespace: 'd', name: 'a' }, { gracePeriodSeconds: 0 });
  await plane.rest();
  assert.equal(state(plane), '');
  assert.deepEqual([...directories], []);
});

test('a volume that cannot be made says why, and is tried again', async () => {
  await using scene = await stage();
  const { plane } = scene;
  scene.failWith = 'ENOSPC: no space left on device';
  await makeClaim(plane, 'data');
  await makePod(plane, 'a', [uses('data')]);
  assert.equal(state(plane), 'data Pending');
  const failure = plane.api.all<CoreEvent>('events').find(({ reason }) => reason === 'ProvisioningFailed');
  assert.equal(
    failure?.message,
    'failed to provision volume with StorageClass "standard": ENOSPC: no space left on device',
  );
  scene.failWith = undefined;
  await plane.clock.advance(60_000);
  await plane.rest();
  assert.equal(state(plane), 'data Bound pvc-data 1Gi; pvc-data Bound data');
  assert.equal(nodeOf(plane, 'a'), 'n1');
});

test('a claim of an immediate class has its volume before any Pod', async () => {
  await using scene = await stage({ volumeBindingMode: 'Immediate', reclaimPolicy: 'Retain' });
  const { plane, directories } = scene;
  await makeClaim(plane, 'data');
  assert.equal(state(plane), 'data Bound pvc-data 1Gi; pvc-data Bound data');
  await plane.client.delete(persistentVolumeClaims, { namespace: 'd', name: 'data' });
  await plane.rest();
  const [kept] = plane.api.all<PersistentVolume>('persistentvolumes');
  assert.equal(kept?.status?.phase, 'Released');
  assert.equal(directories.size, 1);
});

test('two claims never get one volume, and the second waits for another', async () => {
  await using scene = await stage();
  const { plane } = scene;
  await makeVolume(plane, 'one');
  await Promise.all(['a', 'b'].map((name) => makeClaim(plane, name, { storageClassName: '' })));
  assert.equal(state(plane), 'a Bound one 1Gi; b Pending; one Bound a');
  await makeVolume(plane, 'two');
  assert.equal(state(plane), 'a Bound one 1Gi; b Bound two 1Gi; one Bound a; two Bound b');
});

test('a volume that stays is for the next one when it is cleared', async () => {
  await using scene = await stage();
  const { plane } = scene;
  await makeVolume(plane, 'one');
  await makeClaim(plane, 'a', { storageClassName: '' });
  await plane.client.delete(persistentVolumeClaims, { namespace: 'd', name: 'a' });
  await plane.rest();
  await makeClaim(plane, 'b', { storageClassName: '' });
  assert.equal(state(plane), 'b Pending; one Released a');
  const body = { spec: { claimRef: null } };
  await plane.client.patch(persistentVolumes, { name: 'one' }, { kind: 'merge', body });
  await plane.rest();
  assert.equal(state(plane), 'b Bound one 1Gi; one Bound b');
});

test('a bound volume goes after its claim, which is then lost if it goes first', async () => {
  await using scene = await stage();
  const { plane } = scene;
  await makeVolume(plane, 'one');
  await makeClaim(plane, 'a', { storageClassName: '' });
  await plane.client.delete(persistentVolumes, { name: 'one' });
  await plane.rest();
  assert.equal(state(plane), 'a Bound one 1Gi; one Bound a');
  const body = { metadata: { finalizers: [] } };
  await plane.client.patch(persistentVolumes, { name: 'one' }, { kind: 'merge', body });
  await plane.rest();
  assert.equal(state(plane), 'a Lost one');
});

test('a Pod goes to the node that has its volume', async () => {
  await using scene = await stage();
  const { plane } = scene;
  await plane.client.create(storageClasses, {
    metadata: { name: 'local' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const matchExpressions = [{ key: HOST, operator: 'In', values: ['n2'] }];
  await makeVolume(plane, 'disk', {
    storageClassName: 'local',
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
  });
  await makeClaim(plane, 'data', { storageClassName: 'local' });
  await makePod(plane, 'a', [uses('data')]);
  assert.equal(state(plane), 'data Bound disk 1Gi; disk Bound data');
  assert.equal(nodeOf(plane, 'a'), 'n2');
  await makePod(plane, 'b', [uses('data')], { nodeSelector: { [HOST]: 'n1' } });
  const waiting = plane.pods().find(({ metadata }) => metadata.name === 'b');
  assert.equal(
    waiting?.status?.conditions?.[0]?.message,
    "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) didn't match Pod's " +
      'node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  );
});

test('an ephemeral volume has a claim that belongs to its Pod', async () => {
  await using scene = await stage();
  const { plane } = scene;
  const spec = {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'standard',
  };
  const pod = await makePod(plane, 'a', [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec } } }]);
  assert.equal(state(plane), 'a-v Bound pvc-a-v 1Gi; pvc-a-v Bound a-v');
  const [claim] = plane.api.all<PersistentVolumeClaim>('persistentvolumeclaims');
  assert.deepEqual(claim?.metadata.ownerReferences, [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'a',
      uid: pod.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  assert.equal(nodeOf(plane, 'a'), 'n1');
});

test('a claim grows when it asks for more', async () => {
  await using scene = await stage({ volumeBindingMode: 'Immediate' });
  const { plane } = scene;
  await makeClaim(plane, 'data');
  const body = { spec: { resources: { requests: { storage: '3Gi' } } } };
  await plane.client.patch(persistentVolumeClaims, { namespace: 'd', name: 'data' }, { kind: 'merge', body });
  await plane.rest();
  assert.equal(state(plane), 'data Bound pvc-data 3Gi; pvc-data Bound data');
  const [volume] = plane.api.all<PersistentVolume>('persistentvolumes');
  assert.deepEqual(volume?.spec.capacity, { storage: '3Gi' });
});

test('nothing is written twice, whatever is seen again', async () => {
  await using scene = await stage();
  const { plane } = scene;
  await makeClaim(plane, 'data');
  await makePod(plane, 'a', [uses('data')]);
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.clock.advance(3_600_000);
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
});

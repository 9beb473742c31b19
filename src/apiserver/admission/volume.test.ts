import assert from 'node:assert/strict';
import test from 'node:test';
import type { PersistentVolumeClaim } from '#api/generated/types.ts';
import { bodyOf, outcome, TestServer } from '../testing/test-server.ts';

const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

function storageClass(name: string, more: object = {}): object {
  return { metadata: { name, ...more }, provisioner: 'p.example', allowVolumeExpansion: name === 'growing' };
}

const DEFAULT = { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } };

test('a claim gets the default class unless it says otherwise, and a finalizer', async () => {
  await using server = await TestServer.start();
  const made = async (name: string, spec: object = {}): Promise<unknown[]> => {
    const answer = await server.post(CLAIMS, { metadata: { name }, spec: { ...SPEC, ...spec } });
    const claim = bodyOf<PersistentVolumeClaim>(answer);
    return [claim.spec.storageClassName, claim.status?.phase, claim.metadata.finalizers];
  };
  const finalizers = ['kubernetes.io/pvc-protection'];
  assert.deepEqual(await made('a'), [undefined, 'Pending', finalizers]);
  await server.post(CLASSES, storageClass('other'));
  await server.post(CLASSES, storageClass('usual', DEFAULT));
  assert.deepEqual(await made('b'), ['usual', 'Pending', finalizers]);
  assert.deepEqual(await made('c', { storageClassName: '' }), ['', 'Pending', finalizers]);
  assert.deepEqual(await made('d', { storageClassName: 'other' }), ['other', 'Pending', finalizers]);
});

test('a claim grows when it is bound and its class allows it, and does not shrink', async () => {
  await using server = await TestServer.start();
  for (const name of ['growing', 'fixed']) await server.post(CLASSES, storageClass(name));
  const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
  for (const storageClassName of ['growing', 'fixed']) {
    await server.post(CLAIMS, { metadata: { name: storageClassName }, spec: { ...SPEC, storageClassName } });
  }
  const resize = async (name: string, storage: string): Promise<string> =>
    outcome(await server.patch(`${CLAIMS}/${name}`, 'merge', { spec: { resources: { requests: { storage } } } }));
  assert.equal(
    await resize('growing', '2Gi'),
    '422 Invalid: PersistentVolumeClaim "growing" is invalid: spec: Forbidden: spec is immutable after creation except ' +
      'resources.requests and volumeAttributesClassName for bound claims',
  );
  for (const name of ['growing', 'fixed']) await server.patch(`${CLAIMS}/${name}/status`, 'merge', { status });
  assert.equal(await resize('growing', '2Gi'), '200');
  assert.equal(
    await resize('fixed', '2Gi'),
    '403 Forbidden: persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and ' +
      'the storageclass that provisions the pvc must support resize',
  );
  assert.equal(
    await resize('growing', '500Mi'),
    '422 Invalid: PersistentVolumeClaim "growing" is invalid: spec.resources.requests.storage: Forbidden: field can ' +
      'not be less than status.capacity',
  );
});

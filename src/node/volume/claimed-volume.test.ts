import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '#api/generated/types.ts';
import { checkClaim, claimedVolume } from './claimed-volume.ts';

const pod = { metadata: { namespace: 'd', name: 'p', uid: 'u' }, spec: {} } as unknown as Pod;
const byName = { name: 'v', persistentVolumeClaim: { claimName: 'c' } } as Volume;
const ephemeral = { name: 'v', ephemeral: {} } as Volume;

function claim(more: object = {}, metadata: object = {}): PersistentVolumeClaim {
  return {
    metadata: { name: 'c', uid: 'c', ...metadata },
    spec: { volumeName: 'pv' },
    status: { phase: 'Bound' },
    ...more,
  } as unknown as PersistentVolumeClaim;
}

function volume(spec: object): PersistentVolume {
  return { metadata: { name: 'pv' }, spec: { claimRef: { uid: 'c' }, ...spec } } as unknown as PersistentVolume;
}

const owned = { ownerReferences: [{ uid: 'u', controller: true }] };
const cases = [
  { name: 'a claim that is bound', volume: byName, claim: claim(), is: '' },
  {
    name: 'no claim',
    volume: byName,
    claim: undefined,
    is: 'error processing PVC d/c: persistentvolumeclaim "c" not found',
  },
  {
    name: 'a claim that waits',
    volume: byName,
    claim: claim({ status: { phase: 'Pending' } }),
    is: 'error processing PVC d/c: PVC is not bound',
  },
  {
    name: 'a claim on its way out',
    volume: byName,
    claim: claim({}, { deletionTimestamp: 'T' }),
    is: 'error processing PVC d/c: PVC is being deleted',
  },
  { name: "an ephemeral volume's own claim", volume: ephemeral, claim: claim({}, owned), is: '' },
  {
    name: "somebody else's claim of that name",
    volume: ephemeral,
    claim: claim(),
    is: 'error processing PVC d/p-v: PVC d/p-v was not created for pod d/p (pod is not owner)',
  },
];
for (const { name, volume: given, claim: held, is } of cases) {
  test(`checkClaim() with ${name}`, () => {
    const check = (): unknown => checkClaim(pod, given, held);
    if (is === '') assert.equal(check(), held);
    else assert.throws(check, { message: is });
  });
}

test('claimedVolume() finds the directory, or says why it cannot', () => {
  assert.deepEqual(claimedVolume(claim(), volume({ hostPath: { path: '/a' } })), {
    name: 'pv',
    source: { path: '/a' },
    local: false,
  });
  assert.deepEqual(claimedVolume(claim(), volume({ local: { path: '/b' } })), {
    name: 'pv',
    source: { path: '/b', type: 'Directory' },
    local: true,
  });
  assert.throws(() => claimedVolume(claim(), undefined), { message: 'persistentvolume "pv" not found' });
  assert.throws(() => claimedVolume(claim(), volume({ nfs: {} })), { message: 'no volume plugin matched' });
  assert.throws(() => claimedVolume(claim(), volume({ claimRef: { uid: 'x' } })), {
    message: 'PV pv is bound to another claim than c',
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '#api/generated/types.ts';
import { type ClaimStep, type ClaimWorld, defaultClassOf, planClaim } from './claim-plan.ts';
import { BIND_COMPLETED, PROVISIONER, SELECTED_NODE } from './volume-match.ts';
import { planVolume, reclaimTrouble } from './volume-plan.ts';

const FREE = { phase: 'Available' };

function volume(name: string, spec: object = {}, more: object = {}): PersistentVolume {
  return {
    metadata: { name, labels: { disk: name } },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
    status: FREE,
    ...more,
  } as unknown as PersistentVolume;
}

function claim(spec: object = {}, annotations: object = {}): PersistentVolumeClaim {
  return {
    metadata: { namespace: 'd', name: 'c', uid: 'u', annotations },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
  } as unknown as PersistentVolumeClaim;
}

const classes: Readonly<Record<string, object>> = {
  now: { provisioner: 'p.example', volumeBindingMode: 'Immediate' },
  later: { provisioner: 'p.example', volumeBindingMode: 'WaitForFirstConsumer' },
  none: { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'Immediate' },
};

function world(volumes: readonly PersistentVolume[], more: Partial<ClaimWorld> = {}): ClaimWorld {
  return {
    volumes,
    volumeOf: (name) => volumes.find(({ metadata }) => metadata.name === name),
    classOf: (name) => classes[name] as StorageClass | undefined,
    defaultClass: undefined,
    waitingPods: [],
    ...more,
  };
}

function text(step: ClaimStep): string {
  switch (step.kind) {
    case 'bind':
      return `bind ${step.volume.metadata.name}`;
    case 'set-class':
      return `class ${step.name}`;
    case 'provision':
      return `ask ${step.provisioner}`;
    case 'phase':
      return step.news === undefined
        ? step.phase
        : `${step.phase} ${step.news.type} ${step.news.reason}: ${step.news.message}`;
  }
}

const mine = { claimRef: { namespace: 'd', name: 'c' } };
const cases: readonly {
  name: string;
  claim: PersistentVolumeClaim;
  volumes?: readonly PersistentVolume[];
  world?: Partial<ClaimWorld>;
  is: string;
}[] = [
  {
    name: 'nothing to bind and no class',
    claim: claim(),
    is: 'Pending Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
  },
  {
    name: 'the smallest that is large enough',
    claim: claim(),
    volumes: [
      volume('a'),
      volume('b', { capacity: { storage: '3Gi' } }),
      volume('c', { capacity: { storage: '1Gi' } }),
    ],
    is: 'bind b',
  },
  {
    name: 'one set aside for it before a smaller one',
    claim: claim(),
    volumes: [volume('a', { capacity: { storage: '2Gi' } }), volume('b', mine)],
    is: 'bind b',
  },
  {
    name: 'one that its selector means',
    claim: claim({ selector: { matchLabels: { disk: 'b' } } }),
    volumes: [volume('a'), volume('b')],
    is: 'bind b',
  },
  {
    name: 'none in the wrong mode, class, phase or on its way out',
    claim: claim(),
    volumes: [
      volume('a', { accessModes: ['ReadOnlyMany'] }),
      volume('b', { storageClassName: 'now' }),
      volume('c', {}, { status: { phase: 'Released' } }),
      volume('d', {}, { metadata: { name: 'd', deletionTimestamp: 'T' } }),
      volume('e', { volumeMode: 'Block' }),
      volume('f', { claimRef: { namespace: 'd', name: 'other' } }),
    ],
    is: 'Pending Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
  },
  { name: 'a default class that came later', claim: claim(), world: { defaultClass: 'now' }, is: 'class now' },
  {
    name: 'no class on purpose',
    claim: claim({ storageClassName: '' }),
    world: { defaultClass: 'now' },
    is: 'Pending Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
  },
  {
    name: 'a class that is not there',
    claim: claim({ storageClassName: 'x' }),
    is: 'Pending Warning ProvisioningFailed: storageclass.storage.k8s.io "x" not found',
  },
  {
    name: 'a class that provisions nothing',
    claim: claim({ storageClassName: 'none' }),
    is: 'Pending Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
  },
  { name: 'a provisioner', claim: claim({ storageClassName: 'now' }), is: 'ask p.example' },
  {
    name: 'a provisioner that has been asked',
    claim: claim({ storageClassName: 'now' }, { [PROVISIONER]: 'p.example' }),
    is: 'Pending',
  },
  {
    name: 'a Pod',
    claim: claim({ storageClassName: 'later' }),
    volumes: [volume('a', { storageClassName: 'later' })],
    is: 'Pending Normal WaitForFirstConsumer: waiting for first consumer to be created before binding',
  },
  {
    name: 'Pods that wait as well',
    claim: claim({ storageClassName: 'later' }),
    world: { waitingPods: ['p', 'q'] },
    is: 'Pending Normal WaitForPodScheduled: waiting for pods p,q to be scheduled',
  },
  {
    name: 'a provisioner once a Pod has a node',
    claim: claim({ storageClassName: 'later' }, { [SELECTED_NODE]: 'n' }),
    is: 'ask p.example',
  },
  {
    name: 'what the scheduler has set aside',
    claim: claim({ storageClassName: 'later' }),
    volumes: [volume('a', { storageClassName: 'later', ...mine })],
    is: 'bind a',
  },
  { name: 'a volume by name that is not there', claim: claim({ volumeName: 'v' }), is: 'Pending' },
  { name: 'a volume by name', claim: claim({ volumeName: 'v' }), volumes: [volume('v')], is: 'bind v' },
  {
    name: 'a volume by name that is too small',
    claim: claim({ volumeName: 'v' }),
    volumes: [volume('v', { capacity: { storage: '1Gi' } })],
    is: 'Pending Warning VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small',
  },
  {
    name: 'a volume by name that is taken',
    claim: claim({ volumeName: 'v' }),
    volumes: [volume('v', { claimRef: { namespace: 'd', name: 'other', uid: 'o' } })],
    is: 'Pending Warning FailedBinding: volume "v" already bound to a different claim.',
  },
  {
    name: 'its volume again',
    claim: claim({ volumeName: 'v' }, { [BIND_COMPLETED]: 'yes' }),
    volumes: [volume('v', { claimRef: { ...mine.claimRef, uid: 'u' } })],
    is: 'bind v',
  },
  {
    name: 'a volume that was lost',
    claim: claim({ volumeName: 'v' }, { [BIND_COMPLETED]: 'yes' }),
    is: 'Lost Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  },
  {
    name: 'a volume that another has',
    claim: claim({ volumeName: 'v' }, { [BIND_COMPLETED]: 'yes' }),
    volumes: [volume('v', { claimRef: { ...mine.claimRef, uid: 'other' } })],
    is: 'Lost Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
  },
];
for (const { name, claim: given, volumes = [], world: more = {}, is } of cases) {
  test(`planClaim() of a claim with ${name}`, () => assert.equal(text(planClaim(given, world(volumes, more))), is));
}

const bound = { claimRef: { ...mine.claimRef, uid: 'u' } };
const byUs = { metadata: { name: 'v', annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } } };
const provisioned = { metadata: { name: 'v', annotations: { 'pv.kubernetes.io/provisioned-by': 'p' } } };
const volumes = [
  { name: 'nobody', volume: volume('v'), is: { kind: 'phase', phase: 'Available' } },
  { name: 'somebody to come', volume: volume('v', mine), is: { kind: 'phase', phase: 'Available' } },
  { name: 'a claim that is gone', volume: volume('v', bound), is: { kind: 'release' } },
  { name: 'a claim that has yet to name it', volume: volume('v', bound), claim: claim(), is: { kind: 'claim' } },
  {
    name: 'its claim',
    volume: volume('v', bound),
    claim: claim({ volumeName: 'v' }),
    is: { kind: 'phase', phase: 'Bound' },
  },
  {
    name: 'a claim that got another',
    volume: volume('v', bound, byUs),
    claim: claim({ volumeName: 'w' }),
    is: { kind: 'unbind', entirely: true },
  },
  {
    name: 'a claim that got another, where a user had set it aside',
    volume: volume('v', bound),
    claim: claim({ volumeName: 'w' }),
    is: { kind: 'unbind', entirely: false },
  },
  {
    name: 'a claim that got another, made for it',
    volume: volume('v', { ...bound, persistentVolumeReclaimPolicy: 'Delete' }, provisioned),
    claim: claim({ volumeName: 'w' }),
    is: { kind: 'release' },
  },
];
for (const { name, volume: given, claim: held, is } of volumes) {
  test(`planVolume() of a volume for ${name}`, () => assert.deepEqual(planVolume(given, held), is));
}

const reclaims = [
  { policy: 'Retain', is: undefined },
  { policy: 'Delete', more: provisioned, is: undefined },
  {
    policy: 'Delete',
    is: 'VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
  },
  { policy: 'Recycle', is: 'VolumeFailedRecycle: No recycler plugin found for the volume!' },
];
for (const { policy, more = {}, is } of reclaims) {
  test(`reclaimTrouble() with ${policy}: ${is ?? 'none'}`, () => {
    const trouble = reclaimTrouble(volume('v', { persistentVolumeReclaimPolicy: policy }, more));
    assert.equal(trouble && `${trouble.reason}: ${trouble.message}`, is);
  });
}

test('defaultClassOf() takes the newest that is marked', () => {
  const storageClass = (name: string, at: string, marked: string): StorageClass =>
    ({
      metadata: {
        name,
        creationTimestamp: at,
        annotations: { 'storageclass.kubernetes.io/is-default-class': marked },
      },
    }) as unknown as StorageClass;
  const all = [
    storageClass('a', '2026-01-01T00:00:00Z', 'true'),
    storageClass('b', '2026-01-02T00:00:00Z', 'true'),
    storageClass('c', '2026-01-03T00:00:00Z', 'false'),
  ];
  assert.equal(defaultClassOf(all), 'b');
  assert.equal(defaultClassOf([]), undefined);
});

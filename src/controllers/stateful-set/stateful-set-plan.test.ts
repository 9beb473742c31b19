import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '#api/generated/types.ts';
import { revisionData } from '../revision/controller-revision.ts';
import { statefulClaims, statefulPod } from './stateful-set-identity.ts';
import { planStatefulSet, type StatefulSetState } from './stateful-set-plan.ts';
import { claimOwners } from './stateful-set-retention.ts';
import { statefulSetStatus } from './stateful-set-status.ts';

const NOW = Date.UTC(2026, 0, 1);

const template = (image: string): object => ({
  metadata: { labels: { app: 'db' } },
  spec: { containers: [{ name: 'c', image }] },
});

function set(spec: object = {}, metadata: object = {}, status: object = {}): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { namespace: 'd', name: 'db', uid: 'set', generation: 3, ...metadata },
    spec: {
      replicas: 3,
      serviceName: 'db-svc',
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      selector: { matchLabels: { app: 'db' } },
      template: template('two'),
      ...spec,
    },
    status: { replicas: 0, ...status },
  } as unknown as StatefulSet;
}

function revision(name: string, image: string, number: number): ControllerRevision {
  const data = revisionData(template(image));
  return { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name }, data, revision: number } as never;
}

const OLD = revision('db-old', 'one', 1);
const NEW = revision('db-new', 'two', 2);

/** `0` ready and new, `1o` of the old revision, `2-` not ready, `3x` terminating, `4f` failed, `5s` succeeded, `6p` pending. */
function pods(text: string): Pod[] {
  return text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const [, ordinal = '', marks = ''] = /^(\d+)(.*)$/.exec(part) ?? [];
      const has = (mark: string): boolean => marks.includes(mark);
      const phase = has('f') ? 'Failed' : has('s') ? 'Succeeded' : has('p') ? 'Pending' : 'Running';
      const ready = phase === 'Running' && !has('-') ? 'True' : 'False';
      const name = `db-${ordinal}`;
      const labels = {
        app: 'db',
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': ordinal,
        'controller-revision-hash': has('o') ? 'db-old' : 'db-new',
      };
      return {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'd', name, uid: name, labels, ...(has('x') ? { deletionTimestamp: 'T' } : {}) },
        spec: {},
        status: {
          phase,
          conditions: [{ type: 'Ready', status: ready, lastTransitionTime: new Date(NOW - 5000).toISOString() }],
        },
      } as unknown as Pod;
    });
}

function state(of: StatefulSet, text: string, claims: readonly string[] = []): StatefulSetState {
  const claimOf = (name: string): PersistentVolumeClaim | undefined => {
    const [found, owner] = claims.map((claim) => claim.split('<')).find(([claim]) => claim === name) ?? [];
    const ownerReferences = owner === undefined ? [] : [{ kind: 'Pod', name: owner, uid: 'gone', controller: true }];
    return found === undefined
      ? undefined
      : ({ metadata: { name, ownerReferences } } as unknown as PersistentVolumeClaim);
  };
  return { set: of, pods: pods(text), current: OLD, update: NEW, claimOf, now: NOW };
}

function plan(of: StatefulSet, text: string, claims: readonly string[] = []): string {
  const actions = planStatefulSet(state(of, text, claims)).map((action) => {
    switch (action.kind) {
      case 'create': {
        const image = action.pod.spec?.containers[0]?.image;
        return ['create', action.pod.metadata.name, image, ...action.claims.map(({ metadata }) => metadata.name)].join(
          ' ',
        );
      }
      case 'claim':
        return `claim ${action.claims.map(({ metadata }) => metadata.name).join(' ')}`;
      case 'label':
        return `label ${action.pod.metadata.name}`;
      case 'delete':
        return `delete ${action.pod.metadata.name} ${action.why}`;
    }
  });
  return actions.join(', ');
}

const partition = (n: number): object => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: n } },
});
const missing = (maxUnavailable: number | string): object => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
});
const parallel = { podManagementPolicy: 'Parallel' };
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const disk = { volumeClaimTemplates: [{ metadata: { name: 'disk' }, spec: { accessModes: ['ReadWriteOnce'] } }] };

const cases: readonly {
  name: string;
  spec?: object;
  metadata?: object;
  pods: string;
  claims?: string[];
  is: string;
}[] = [
  { name: 'the first Pod first', pods: '', is: 'create db-0 two' },
  { name: 'nothing while a Pod before is not ready', pods: '0-', is: '' },
  { name: 'the next Pod when the one before is ready', pods: '0', is: 'create db-1 two' },
  { name: 'a lost Pod in the middle', pods: '0 2', is: 'create db-1 two' },
  { name: 'nothing while a Pod before is on its way out', pods: '0x 1 2', is: '' },
  { name: 'nothing at rest', pods: '0 1 2', is: '' },
  { name: 'nothing for a set on its way out', metadata: { deletionTimestamp: 'T' }, pods: '0', is: '' },
  { name: 'nothing until a Pod was ready for long enough', spec: { minReadySeconds: 10 }, pods: '0', is: '' },
  { name: 'the next Pod after that time', spec: { minReadySeconds: 5 }, pods: '0', is: 'create db-1 two' },
  { name: 'a failed Pod anew', pods: '0 1f 2', is: 'delete db-1 failed' },
  { name: 'a succeeded Pod anew', pods: '0 1s 2', is: 'delete db-1 succeeded' },
  { name: 'ordinals from where they start', spec: { ordinals: { start: 5 } }, pods: '5', is: 'create db-6 two' },
  { name: 'all Pods at once', spec: parallel, pods: '1-', is: 'create db-0 two, create db-2 two' },
  { name: 'one fewer from the top', spec: { replicas: 1 }, pods: '0 1 2', is: 'delete db-2 scale' },
  { name: 'one fewer when the last has gone', spec: { replicas: 1 }, pods: '0 1 2x', is: '' },
  { name: 'none fewer while one that stays is ill', spec: { replicas: 1 }, pods: '0- 1 2', is: '' },
  { name: 'none fewer while another than the lowest is ill', spec: { replicas: 0 }, pods: '0 1- 2-', is: '' },
  {
    name: 'all at once fewer',
    spec: { replicas: 1, ...parallel },
    pods: '0 1- 2',
    is: 'delete db-2 scale, delete db-1 scale',
  },
  {
    name: 'those below a start that moved up',
    spec: { replicas: 1, ordinals: { start: 2 } },
    pods: '0 1 2',
    is: 'delete db-1 scale',
  },
  { name: 'an update from the top', pods: '0o 1o 2o', is: 'delete db-2 update' },
  { name: 'an update one at a time', pods: '0o 1o 2-', is: '' },
  { name: 'an update of the next', pods: '0o 1o 2', is: 'delete db-1 update' },
  { name: 'no update below the partition', spec: partition(2), pods: '0o 1o 2', is: '' },
  { name: 'the old template below the partition', spec: partition(2), pods: '0o 2', is: 'create db-1 one' },
  { name: 'the new template from the partition on', spec: partition(1), pods: '0o', is: 'create db-1 two' },
  { name: 'no update on its own accord', spec: onDelete, pods: '0o 1o 2o', is: '' },
  { name: 'the new template for what was deleted by hand', spec: onDelete, pods: '0o 2o', is: 'create db-1 two' },
  { name: 'one update at a time also in parallel', spec: parallel, pods: '0o 1o 2o', is: 'delete db-2 update' },
  {
    name: 'updates of as many as may be missing',
    spec: { ...parallel, ...missing(2) },
    pods: '0o 1o 2o',
    is: 'delete db-2 update, delete db-1 update',
  },
  {
    name: 'updates of fewer where some are missing',
    spec: { ...parallel, ...missing(2) },
    pods: '0o 1o 2-',
    is: 'delete db-1 update',
  },
  { name: 'no update where enough are missing', spec: { ...parallel, ...missing('34%') }, pods: '0o 1- 2-', is: '' },
  { name: 'claims with a Pod', spec: disk, pods: '', is: 'create db-0 two disk-db-0' },
  { name: 'no claim that is there', spec: disk, pods: '', claims: ['disk-db-0'], is: 'create db-0 two' },
  { name: 'claims that a waiting Pod lacks', spec: disk, pods: '0p', is: 'claim disk-db-0' },
  { name: 'nothing while a claim goes with the Pod before', spec: disk, pods: '', claims: ['disk-db-0<db-0'], is: '' },
];

for (const c of cases) {
  test(`planStatefulSet() plans ${c.name}`, () => assert.equal(plan(set(c.spec, c.metadata), c.pods, c.claims), c.is));
}

test('statefulPod() has a name, a host name and volumes of its own', () => {
  const volumes = [
    { name: 'disk', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
  ];
  const of = set(disk);
  const pod = statefulPod(of, { metadata: { labels: { app: 'db' } }, spec: { containers: [], volumes } }, 'db-new', 4);
  const { ownerReferences, ...metadata } = pod.metadata;
  assert.deepEqual(
    [metadata, pod.spec, ownerReferences?.map(({ uid }) => uid)],
    [
      {
        generateName: 'db-',
        name: 'db-4',
        namespace: 'd',
        labels: {
          app: 'db',
          'statefulset.kubernetes.io/pod-name': 'db-4',
          'apps.kubernetes.io/pod-index': '4',
          'controller-revision-hash': 'db-new',
        },
      },
      {
        containers: [],
        volumes: [
          { name: 'disk', persistentVolumeClaim: { claimName: 'disk-db-4' } },
          { name: 'tmp', emptyDir: {} },
        ],
        hostname: 'db-4',
        subdomain: 'db-svc',
      },
      ['set'],
    ],
  );
  assert.deepEqual(statefulClaims(of, 4), [
    {
      metadata: { name: 'disk-db-4', namespace: 'd', labels: { app: 'db' } },
      spec: { accessModes: ['ReadWriteOnce'] },
    },
  ]);
});

const statuses = [
  {
    name: 'counts by revision, without those on their way out',
    of: set({}, {}, { currentRevision: 'db-old' }),
    pods: '0o 1o- 2 3x',
    is: {
      replicas: 4,
      readyReplicas: 3,
      currentReplicas: 2,
      updatedReplicas: 1,
      availableReplicas: 3,
      currentRevision: 'db-old',
    },
  },
  {
    name: 'makes the update current when all have it',
    of: set(),
    pods: '0 1 2',
    is: {
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      currentRevision: 'db-new',
    },
  },
  {
    name: 'does not while one is not ready',
    of: set(),
    pods: '0 1 2-',
    is: { replicas: 3, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2, currentRevision: 'db-old' },
  },
];

for (const { name, of, pods: text, is } of statuses) {
  test(`statefulSetStatus() ${name}`, () => {
    const common = { observedGeneration: 3, updateRevision: 'db-new', collisionCount: 0 };
    assert.deepEqual(statefulSetStatus(state(of, text), undefined), { ...common, ...is });
  });
}

const policies = [
  { whenDeleted: 'Retain', whenScaled: 'Retain', stays: undefined, goes: undefined },
  { whenDeleted: 'Delete', whenScaled: 'Retain', stays: 'StatefulSet/db', goes: 'StatefulSet/db' },
  { whenDeleted: 'Retain', whenScaled: 'Delete', stays: undefined, goes: 'Pod/db-0' },
  { whenDeleted: 'Delete', whenScaled: 'Delete', stays: 'StatefulSet/db', goes: 'Pod/db-0' },
];

for (const { stays, goes, ...policy } of policies) {
  test(`claimOwners() of ${policy.whenDeleted} with the set and ${policy.whenScaled} on scaling`, () => {
    const [pod] = pods('0');
    const claim = { metadata: { name: 'disk-db-0' } } as unknown as PersistentVolumeClaim;
    const owners = (condemned: boolean): string | undefined =>
      claimOwners(set({ persistentVolumeClaimRetentionPolicy: policy }), pod as Pod, claim, condemned)
        ?.map(({ kind, name }) => `${kind}/${name}`)
        .join();
    assert.deepEqual([owners(false), owners(true)], [stays, goes]);
  });
}

import { change, job, make, pass, podStatus, remove, scale, together, workload } from './manifests.ts';
import type { Named } from './manifests.ts';
import type { Act, Scene } from './scene.ts';

const PDB = 'PodDisruptionBudget';
const HPA = 'HorizontalPodAutoscaler';
const PVC = 'PersistentVolumeClaim';
const budget = (spec: object): Act =>
  make(PDB, { metadata: { name: 'b' }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } });
const pod = (name: string, more: object = {}): Act =>
  make('Pod', {
    metadata: { name, labels: { app: 'web' }, ...more },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
const scaler = (name: string, spec: object = {}): Act => [
  `make ${HPA} ${name}, and wait for its second look`,
  async (stage) => {
    await stage.make(HPA, scalerNamed(name, spec));
    await stage.pass(35);
  },
];
const scalerNamed = (name: string, spec: object): Named => ({
  metadata: { name },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 4,
    ...spec,
  },
});
const claim = (name: string, spec: object): Act =>
  make(PVC, {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  });
const volume = (suffix: string, spec: object): Act => [
  `make PersistentVolume ${suffix}`,
  (stage) =>
    stage.make('PersistentVolume', {
      metadata: { name: `${stage.namespace}-${suffix}` },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/x' },
        storageClassName: stage.namespace,
        ...spec,
      },
    }),
];
const classOfScene = (bindingMode: string): Act => [
  `make StorageClass ${bindingMode}`,
  (stage) =>
    stage.make('StorageClass', {
      metadata: { name: stage.namespace },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: bindingMode,
    }),
];
const claimOfScene = (name: string): Act => [
  `make claim ${name}`,
  (stage) => claim(name, { storageClassName: stage.namespace })[1](stage),
];

export const budgetScenes: readonly Scene[] = [
  {
    name: 'a budget of which two must stay',
    acts: [
      make('Deployment', workload('web', { replicas: 3 })),
      budget({ minAvailable: 2 }),
      podStatus('web', { conditions: [{ type: 'Ready', status: 'False' }] }, 'is not ready'),
      scale('Deployment', 'web', 1),
    ],
  },
  {
    name: 'a budget by shares',
    acts: [make('StatefulSet', workload('web', { serviceName: 's', replicas: 3 })), budget({ maxUnavailable: '34%' })],
  },
  {
    name: 'a budget of Pods that nobody owns',
    acts: [
      pod('a'),
      budget({ minAvailable: 1 }),
      change(PDB, 'b', { spec: { minAvailable: null, maxUnavailable: 1 } }),
    ],
  },
  {
    name: 'a budget of Pods whose owner has no size',
    acts: [make('Job', job('web', {})), budget({ maxUnavailable: 1 })],
  },
  { name: 'a budget of nothing', acts: [budget({ maxUnavailable: 1 }), pod('a')] },
  {
    name: 'an eviction and its budget',
    acts: [
      make('ReplicaSet', workload('web', { replicas: 2 }, { annotations: { linger: 'yes' } })),
      budget({ maxUnavailable: 1 }),
      [
        'one is evicted',
        async (stage) => {
          const [name = ''] = await stage.podsOf('web');
          const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
          await stage.ask('POST', `${stage.path('Pod', name)}/eviction`, body);
        },
      ],
    ],
  },
  {
    name: 'a scaler of too few',
    acts: [make('Deployment', workload('web', { replicas: 1 })), scaler('h'), scale('Deployment', 'web', 0), pass(35)],
  },
  { name: 'a scaler of too many', acts: [make('Deployment', workload('web', { replicas: 5 })), scaler('h'), pass(16)] },
  { name: 'a scaler of what is not there', acts: [scaler('h'), pass(16)] },
  {
    name: 'two scalers of one',
    acts: [make('Deployment', workload('web', { replicas: 2 })), scaler('h'), scaler('i'), pass(32)],
  },
  {
    name: 'objects go with their owners',
    acts: [
      make('ConfigMap', { metadata: { name: 'owner' } }),
      [
        'it owns two',
        async (stage) => {
          const { body } = await stage.ask('GET', stage.path('ConfigMap', 'owner'));
          const { uid } = (body as { readonly metadata: { readonly uid: string } }).metadata;
          const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
          await stage.make('ConfigMap', { metadata: { name: 'plain', ownerReferences: [reference] } });
          const blocking = { ...reference, blockOwnerDeletion: true };
          const metadata = { name: 'blocking', finalizers: ['example.com/wait'], ownerReferences: [blocking] };
          await stage.make('ConfigMap', { metadata });
          const lost = { ...reference, uid: '00000000-0000-4000-8000-000000000000' };
          await stage.make('ConfigMap', { metadata: { name: 'lost', ownerReferences: [lost] } });
          const both = [reference, lost];
          await stage.make('ConfigMap', { metadata: { name: 'half', ownerReferences: both } });
          const wide = { apiVersion: 'v1', kind: 'Node', name: 'nobody', uid: lost.uid };
          await stage.make('ConfigMap', { metadata: { name: 'wide', ownerReferences: [wide] } });
        },
      ],
      remove('ConfigMap', 'owner', { propagationPolicy: 'Foreground' }),
      change('ConfigMap', 'blocking', { metadata: { finalizers: null } }),
    ],
  },
  {
    name: 'a namespace goes, and something stays',
    acts: [
      make('Deployment', workload('web', { replicas: 1 })),
      make('ConfigMap', { metadata: { name: 'held', finalizers: ['example.com/wait'] } }),
      together(['the namespace is deleted', (stage) => stage.remove('Namespace', stage.namespace)], pass(50)),
    ],
  },
  {
    name: 'a quota counts',
    acts: [
      make('ResourceQuota', {
        metadata: { name: 'q' },
        spec: {
          hard: {
            pods: '5',
            'requests.cpu': '2',
            'count/configmaps': '4',
            'count/deployments.apps': '2',
            services: '1',
          },
        },
      }),
      make(
        'Deployment',
        workload(
          'web',
          { replicas: 2 },
          { spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '300m' } } }] } },
        ),
      ),
      scale('Deployment', 'web', 1),
    ],
  },
  {
    name: 'claims and volumes',
    acts: [
      classOfScene('Immediate'),
      claimOfScene('first'),
      together(volume('v', { persistentVolumeReclaimPolicy: 'Retain' }), pass(20)),
      remove(PVC, 'first'),
      claim('none', { storageClassName: '' }),
    ],
  },
  {
    name: 'a claim waits for its first user',
    acts: [classOfScene('WaitForFirstConsumer'), claimOfScene('first'), pass(16)],
  },
];

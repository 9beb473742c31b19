import {
  change,
  make,
  pass,
  podMeta,
  podStatus,
  remove,
  removePod,
  roll,
  scale,
  together,
  workload,
} from './manifests.ts';
import type { Act, Scene } from './scene.ts';

const RS = 'ReplicaSet';
const STS = 'StatefulSet';
const DS = 'DaemonSet';

const failed = podStatus('web-0', { phase: 'Failed' }, 'fails');
const claims = {
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
    },
  ],
};
const rolling = (more: object): object => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: more } });

const node = (suffix: string, labels: object = {}): Act => [
  `make Node ${suffix}`,
  async (stage) => {
    const name = `${stage.namespace}-${suffix}`;
    const amounts = { cpu: '4', memory: '8Gi', pods: '10' };
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
    await stage.make('Node', {
      metadata: { name, labels: { own: stage.namespace, ...labels } },
      status: { capacity: amounts, allocatable: amounts, conditions },
    });
    await stage.change('Node', name, { spec: { taints: null } });
  },
];
const nodeChange = (suffix: string, body: object): Act => [
  `change Node ${suffix}: ${JSON.stringify(body)}`,
  (stage) => stage.change('Node', `${stage.namespace}-${suffix}`, body),
];
/** kube-controller-manager works out the status of a DaemonSet anew only when somebody touches it or its Pods. */
const touched = ([what, play]: Act): Act => [
  `${what}, and the DaemonSet is touched`,
  async (stage) => {
    await play(stage);
    await stage.change(DS, 'ds', { metadata: { labels: { touched: what.replace(/[^a-zA-Z]/g, '').slice(0, 60) } } });
  },
];
const nodeGone = (suffix: string): Act => [
  `delete Node ${suffix}`,
  (stage) => stage.remove('Node', `${stage.namespace}-${suffix}`),
];
/** The one for that node: names are drawn. */
const removePodOn = (suffix: string): Act => [
  `the Pod on Node ${suffix} is deleted`,
  async (stage) => {
    const name = await stage.podOn(`${stage.namespace}-${suffix}`);
    await stage.remove('Pod', name);
  },
];
const daemonSet = (spec: object, play?: string): Act => [
  `make DaemonSet ds ${JSON.stringify(spec)}`,
  (stage) => {
    const made = { nodeSelector: { own: stage.namespace } };
    const of = { spec: made, ...(play === undefined ? {} : { play }) };
    return stage.make(DS, workload('ds', spec, of));
  },
];

export const setScenes: readonly Scene[] = [
  {
    name: 'a ReplicaSet grows, shrinks, takes and lets go',
    acts: [
      make('Pod', {
        metadata: { name: 'web-strvx', generateName: 'web-', labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      }),
      make(RS, workload('web', { replicas: 3 })),
      scale(RS, 'web', 1),
      podMeta('', { labels: { app: 'other' } }),
      remove(RS, 'web', { propagationPolicy: 'Orphan' }),
    ],
  },
  {
    name: 'a ReplicationController grows and shrinks',
    acts: [
      make('ReplicationController', {
        metadata: { name: 'web' },
        spec: {
          replicas: 2,
          selector: { app: 'web' },
          template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      }),
      scale('ReplicationController', 'web', 1),
    ],
  },
  {
    name: 'a StatefulSet grows and shrinks in order',
    acts: [
      make(STS, workload('web', { serviceName: 'svc', replicas: 3 })),
      scale(STS, 'web', 1),
      removePod('web-0'),
      remove(STS, 'web'),
    ],
  },
  {
    name: 'a StatefulSet is rolled out in parts',
    acts: [
      make(STS, workload('web', { serviceName: 'svc', replicas: 3, ...rolling({ partition: 2 }) })),
      roll(STS, 'web', { image: 'two' }),
      removePod('web-0'),
      change(STS, 'web', { spec: rolling({ partition: 0 }) }),
      roll(STS, 'web', { image: 'one' }),
    ],
  },
  {
    name: 'a StatefulSet is stuck with a bad template',
    acts: [
      make(STS, workload('web', { serviceName: 'svc', replicas: 2 })),
      roll(STS, 'web', { image: 'bad', play: 'unready' }),
      roll(STS, 'web', { image: 'good' }),
      removePod('web-1'),
    ],
  },
  {
    name: 'a StatefulSet counts from five, all at once',
    acts: [
      make(
        STS,
        workload('web', { serviceName: 'svc', replicas: 3, ordinals: { start: 5 }, podManagementPolicy: 'Parallel' }),
      ),
      change(STS, 'web', { spec: { ordinals: { start: 6 } } }),
      scale(STS, 'web', 1),
    ],
  },
  {
    name: 'a StatefulSet whose Pod fails',
    acts: [make(STS, workload('web', { serviceName: 'svc', replicas: 2 })), failed],
  },
  {
    name: 'a StatefulSet whose Pods are deleted by hand',
    acts: [
      make(STS, workload('web', { serviceName: 'svc', replicas: 2, updateStrategy: { type: 'OnDelete' } })),
      roll(STS, 'web', { image: 'two' }),
      removePod('web-0'),
    ],
  },
  {
    name: 'a StatefulSet and its claims',
    acts: [
      make(
        STS,
        workload('web', {
          serviceName: 'svc',
          replicas: 2,
          ...claims,
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
        }),
      ),
      scale(STS, 'web', 1),
      change(STS, 'web', {
        spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } },
      }),
    ],
  },
  {
    name: 'a StatefulSet waits for its Pods to have been ready for long enough',
    acts: [make(STS, workload('web', { serviceName: 'svc', replicas: 2, minReadySeconds: 6 })), pass(9), pass(9)],
  },
  {
    name: 'a StatefulSet keeps two templates',
    acts: [
      make(STS, workload('web', { serviceName: 'svc', replicas: 1, revisionHistoryLimit: 1 })),
      roll(STS, 'web', { image: 'two' }),
      roll(STS, 'web', { image: 'three' }),
      roll(STS, 'web', { image: 'four' }),
    ],
  },
  {
    name: 'a DaemonSet is on every node, and is rolled out',
    acts: [
      node('a'),
      node('b'),
      daemonSet({}),
      [
        'another template',
        (stage) =>
          stage.change(DS, 'ds', { spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } } }),
      ],
      node('c'),
      touched(nodeChange('c', { metadata: { labels: { own: null } } })),
      touched(nodeChange('b', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })),
      nodeChange('a', { spec: { unschedulable: true } }),
      removePodOn('a'),
      remove(DS, 'ds'),
    ],
  },
  {
    name: 'a DaemonSet is rolled out with a surge',
    acts: [
      node('a'),
      node('b'),
      daemonSet(rolling({ maxSurge: 1, maxUnavailable: 0 })),
      [
        'another template',
        (stage) =>
          stage.change(DS, 'ds', { spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } } }),
      ],
    ],
  },
  {
    name: 'a DaemonSet changes what is deleted by hand',
    acts: [
      node('a'),
      daemonSet({ updateStrategy: { type: 'OnDelete' } }),
      [
        'another template',
        (stage) =>
          stage.change(DS, 'ds', { spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } } }),
      ],
      removePod('ds'),
    ],
  },
  {
    name: 'a DaemonSet whose Pod fails',
    acts: [node('a'), daemonSet({}), podStatus('ds', { phase: 'Failed' }, 'fails')],
  },
  {
    name: 'a node is deleted with its Pods',
    acts: [node('a'), daemonSet({}), touched(nodeGone('a')), pass(100)],
  },
  {
    name: 'a node goes silent, and its Pods go elsewhere',
    acts: [
      node('a', { silent: 'yes' }),
      [
        'a Pod is there',
        (stage) =>
          stage.make('Pod', {
            metadata: { name: 'brief', labels: { app: 'x' }, annotations: { linger: 'yes' } },
            spec: {
              nodeName: `${stage.namespace}-a`,
              containers: [{ name: 'c', image: 'i' }],
              tolerations: [
                {
                  key: 'node.kubernetes.io/unreachable',
                  operator: 'Exists',
                  effect: 'NoExecute',
                  tolerationSeconds: 3,
                },
                { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 },
              ],
            },
          }),
      ],
      pass(90),
    ],
  },
  {
    name: 'a node says that it is not ready, is cordoned, and is well again',
    acts: [
      node('a'),
      together(
        [
          'it is not ready',
          (stage) =>
            stage.change('Node', `${stage.namespace}-a/status`, {
              status: { conditions: [{ type: 'Ready', status: 'False' }] },
            }),
        ],
        pass(45),
      ),
      nodeChange('a', { spec: { unschedulable: true } }),
      together(
        [
          'it is under pressure',
          (stage) =>
            stage.change('Node', `${stage.namespace}-a/status`, {
              status: {
                conditions: [
                  { type: 'Ready', status: 'True' },
                  { type: 'MemoryPressure', status: 'True' },
                  { type: 'DiskPressure', status: 'True' },
                  { type: 'PIDPressure', status: 'True' },
                  { type: 'NetworkUnavailable', status: 'True' },
                ],
              },
            }),
        ],
        pass(20),
      ),
      nodeChange('a', { spec: { unschedulable: null } }),
    ],
  },
];

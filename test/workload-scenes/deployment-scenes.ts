import { change, end, make, pass, podMeta, removePod, remove, roll, scale, together, workload } from './manifests.ts';
import type { Scene } from './scene.ts';

const D = 'Deployment';
const quota = (pods: string): { metadata: { name: string }; spec: object } => ({
  metadata: { name: 'few' },
  spec: { hard: { pods } },
});

export const deploymentScenes: readonly Scene[] = [
  {
    name: 'a Deployment is rolled out, back, and resized',
    acts: [
      make(D, { ...workload('web', { replicas: 3 }), metadata: { name: 'web', annotations: { who: 'me' } } }),
      roll(D, 'web', { image: 'two' }),
      roll(D, 'web', { image: 'one' }),
      scale(D, 'web', 5),
      scale(D, 'web', 0),
      scale(D, 'web', 2),
      change(D, 'web', { metadata: { annotations: { who: 'you' } } }),
      remove(D, 'web'),
    ],
  },
  {
    name: 'a Deployment is paused, changed, resized and resumed',
    acts: [
      make(D, workload('web', { replicas: 2 })),
      change(D, 'web', { spec: { paused: true } }),
      roll(D, 'web', { image: 'two' }),
      scale(D, 'web', 4),
      change(D, 'web', { spec: { paused: null } }),
    ],
  },
  {
    name: 'a Deployment gets stuck and goes on',
    acts: [
      make(
        D,
        workload('web', {
          replicas: 4,
          progressDeadlineSeconds: 25,
          strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
        }),
      ),
      roll(D, 'web', { image: 'bad', play: 'wait' }),
      pass(27),
      scale(D, 'web', 8),
      roll(D, 'web', { image: 'good' }),
    ],
  },
  {
    name: 'a Deployment is made anew at once',
    acts: [
      make(D, workload('web', { replicas: 2, strategy: { type: 'Recreate' } }, { annotations: { linger: 'yes' } })),
      roll(D, 'web', { image: 'two', annotations: { linger: 'yes' } }),
      end('web'),
    ],
  },
  {
    name: 'a Deployment waits for its Pods to have been ready for long enough',
    acts: [
      make(D, workload('web', { replicas: 2, minReadySeconds: 20 })),
      pass(21),
      change(D, 'web', { spec: { minReadySeconds: 1 } }),
    ],
  },
  {
    name: 'a Deployment keeps one old template',
    acts: [
      make(D, workload('web', { replicas: 1, revisionHistoryLimit: 1 })),
      roll(D, 'web', { image: 'two' }),
      roll(D, 'web', { image: 'three' }),
      roll(D, 'web', { image: 'four' }),
      change(D, 'web', { spec: { revisionHistoryLimit: 0 } }),
    ],
  },
  {
    name: 'a Deployment meets a quota',
    acts: [
      make('ResourceQuota', quota('2')),
      make(D, workload('web', { replicas: 4, progressDeadlineSeconds: 25 })),
      pass(27),
      together(change('ResourceQuota', 'few', { spec: { hard: { pods: '9' } } }), pass(80)),
    ],
  },
  {
    name: 'a Deployment goes without its ReplicaSets, and the next takes them',
    acts: [
      make(D, workload('web', { replicas: 2 })),
      remove(D, 'web', { propagationPolicy: 'Orphan' }),
      make(D, workload('web', { replicas: 2 })),
      remove(D, 'web', { propagationPolicy: 'Foreground' }),
    ],
  },
  {
    name: 'a Deployment loses Pods',
    acts: [make(D, workload('web', { replicas: 3 })), removePod('web'), podMeta('web', { labels: { app: 'other' } })],
  },
];

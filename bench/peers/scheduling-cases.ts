/** What there is before, and the Pod that is to find a node. */
export interface SchedulingCase {
  readonly name: string;
  readonly nodes: readonly NodeInput[];
  /** Created before the Pod, in this order. */
  readonly given?: readonly object[];
  readonly pod: PodInput;
}

interface NodeInput {
  readonly name: string;
  readonly labels?: object;
  readonly spec?: object;
  readonly allocatable?: object;
}

interface PodInput {
  readonly labels?: object;
  readonly spec?: object;
  readonly cpu?: string;
  readonly memory?: string;
  readonly more?: object;
}

const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

const node = (name: string, more: Omit<NodeInput, 'name'> = {}): NodeInput => ({ name, ...more });
const zoned = (name: string, zone: string): NodeInput => node(name, { labels: { [ZONE]: zone } });

export function podOf(name: string, { labels = {}, spec = {}, cpu, memory, more = {} }: PodInput): object {
  const requests = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests }, ...more }], ...spec },
  };
}

/** A Pod that is on a node already. */
const on = (nodeName: string, name: string, input: PodInput = {}): object =>
  podOf(name, { ...input, spec: { ...input.spec, nodeName } });

const app = (value: string): { readonly matchLabels: object } => ({ matchLabels: { app: value } });
const term = (value: string, topologyKey: string): object => ({ labelSelector: app(value), topologyKey });
const required = (...terms: readonly object[]): object => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });
const preferred = (weight: number, podAffinityTerm: object): object => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }],
});
const spread = (topologyKey: string, more: object = {}): object => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: app('web'), ...more },
  ],
});
const web = { labels: { app: 'web' } };
const hostIn = (...values: readonly string[]): object => ({
  matchExpressions: [{ key: HOST, operator: 'In', values }],
});

const storageClass = (volumeBindingMode: string): object => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode,
});
const claim = (more: object = {}, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'local',
    ...spec,
  },
  ...more,
});
const bound = claim(
  { metadata: { name: 'data', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, status: { phase: 'Bound' } },
  { volumeName: 'disk' },
);
const disk = (where: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'disk' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    storageClassName: 'local',
    local: { path: '/x' },
    nodeAffinity: { required: { nodeSelectorTerms: [hostIn(where)] } },
    ...more,
  },
});
const uses = { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } };

const priorities = [1, 5, 9].map((value) => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: `p${value}` },
  value,
}));
const polite = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'polite' },
  value: 9,
  preemptionPolicy: 'Never',
};
const rank = (value: number, spec: object = {}): { readonly spec: object } => ({
  spec: { priorityClassName: `p${value}`, ...spec },
});
const budget = (name: string, disruptionsAllowed: number): object => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name },
  spec: { minAvailable: 1, selector: app(name) },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

const fits: readonly SchedulingCase[] = [
  { name: 'a node with room', nodes: [node('a')], pod: { cpu: '1' } },
  { name: 'no node', nodes: [], pod: {} },
  { name: 'too little of everything', nodes: [node('a'), node('b')], pod: { cpu: '9', memory: '99Gi' } },
  {
    name: 'a reason for each node',
    nodes: [
      node('a', { spec: { unschedulable: true } }),
      node('b', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } }),
      node('c', { labels: { disk: 'hdd' } }),
      node('d', { labels: { disk: 'ssd' }, allocatable: { cpu: '1' } }),
    ],
    pod: { cpu: '2', spec: { nodeSelector: { disk: 'ssd' } } },
  },
  {
    name: 'too many Pods',
    nodes: [node('a', { allocatable: { pods: '1' } })],
    given: [on('a', 'x')],
    pod: {},
  },
  {
    name: 'a full node',
    nodes: [node('a')],
    given: [on('a', 'x', { cpu: '3' })],
    pod: { cpu: '2' },
  },
  {
    name: 'a port that is taken',
    nodes: [node('a'), node('b', { spec: { unschedulable: true } })],
    given: [on('a', 'x', { more: { ports: [{ containerPort: 80, hostPort: 80 }] } })],
    pod: { more: { ports: [{ containerPort: 81, hostPort: 80 }] } },
  },
  {
    name: 'a device that nobody has',
    nodes: [node('a')],
    pod: { more: { resources: { limits: { 'example.com/gpu': '1' } } } },
  },
  {
    name: 'a node by name that is full',
    nodes: [node('a'), node('b')],
    given: [on('a', 'x', { cpu: '4' })],
    pod: {
      cpu: '1',
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }],
            },
          },
        },
      },
    },
  },
  {
    name: 'nobody to be near',
    nodes: [node('a')],
    pod: { spec: { affinity: { podAffinity: required(term('db', HOST)) } } },
  },
  {
    name: 'somebody to be near',
    nodes: [node('a'), node('b')],
    given: [on('b', 'x', { labels: { app: 'db' } })],
    pod: { spec: { affinity: { podAffinity: required(term('db', HOST)) } } },
  },
  {
    name: 'somebody to be away from',
    nodes: [zoned('a', 'z'), zoned('b', 'z')],
    given: [on('b', 'x', { labels: { app: 'db' } })],
    pod: { spec: { affinity: { podAntiAffinity: required(term('db', ZONE)) } } },
  },
  {
    name: 'somebody who keeps it away',
    nodes: [node('a')],
    given: [on('a', 'x', { spec: { affinity: { podAntiAffinity: required(term('web', HOST)) } } })],
    pod: web,
  },
  {
    name: 'a spread that is skewed',
    nodes: [zoned('a', 'y'), zoned('b', 'z'), node('c')],
    given: [on('a', 'x', web), on('b', 'y', { cpu: '4' })],
    pod: { ...web, cpu: '1', spec: spread(ZONE) },
  },
  {
    name: 'more domains than there are',
    nodes: [zoned('a', 'y'), zoned('b', 'z')],
    given: [on('a', 'x', web), on('b', 'y', web)],
    pod: { ...web, spec: spread(ZONE, { minDomains: 3 }) },
  },
  {
    name: 'a spread over untainted nodes',
    nodes: [node('a'), node('b', { spec: { taints: [{ key: 't', effect: 'NoSchedule' }] } })],
    given: [on('a', 'x', web)],
    pod: { ...web, spec: spread(HOST, { nodeTaintsPolicy: 'Honor' }) },
  },
  {
    name: 'a spread over tainted nodes',
    nodes: [node('a'), node('b', { spec: { taints: [{ key: 't', effect: 'NoSchedule' }] } })],
    given: [on('a', 'x', web)],
    pod: { ...web, spec: spread(HOST) },
  },
];

const volumes: readonly SchedulingCase[] = [
  { name: 'a claim that is not there', nodes: [node('a')], pod: uses },
  {
    name: 'a claim that is not bound',
    nodes: [node('a')],
    given: [storageClass('Immediate'), claim()],
    pod: uses,
  },
  {
    name: 'a claim without a volume',
    nodes: [node('a'), node('b')],
    given: [storageClass('WaitForFirstConsumer'), claim()],
    pod: uses,
  },
  {
    name: 'a volume somewhere else',
    nodes: [node('a'), node('b', { spec: { unschedulable: true } })],
    given: [storageClass('WaitForFirstConsumer'), disk('b'), bound],
    pod: uses,
  },
  {
    name: 'a volume that is here',
    nodes: [node('a'), node('b')],
    given: [storageClass('WaitForFirstConsumer'), disk('b'), bound],
    pod: uses,
  },
  {
    name: 'a volume that is gone',
    nodes: [node('a')],
    given: [storageClass('WaitForFirstConsumer'), bound],
    pod: uses,
  },
];

const wishes: readonly SchedulingCase[] = [
  {
    name: 'the node that it likes',
    nodes: [node('a'), node('b', { labels: { disk: 'ssd' } }), node('c')],
    given: [on('b', 'x', { cpu: '500m' })],
    pod: {
      spec: {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
            ],
          },
        },
      },
    },
  },
  {
    name: 'not the node that it dislikes',
    nodes: [node('a', { spec: { taints: [{ key: 't', effect: 'PreferNoSchedule' }] } }), node('b')],
    given: [on('b', 'x', { cpu: '3' })],
    pod: {},
  },
  {
    name: 'the company that it likes',
    nodes: [node('a'), node('b')],
    given: [on('b', 'x', { labels: { app: 'db' }, cpu: '500m' })],
    pod: { spec: { affinity: { podAffinity: preferred(10, term('db', HOST)) } } },
  },
  {
    name: 'not the company that it dislikes',
    nodes: [node('a'), node('b')],
    given: [on('a', 'x', { labels: { app: 'db' } }), on('b', 'y', { cpu: '2' })],
    pod: { spec: { affinity: { podAntiAffinity: preferred(10, term('db', HOST)) } } },
  },
  {
    name: 'the company that likes it',
    nodes: [node('a'), node('b')],
    given: [on('b', 'x', { cpu: '500m', spec: { affinity: { podAffinity: preferred(10, term('web', HOST)) } } })],
    pod: web,
  },
  {
    name: 'the emptier zone',
    nodes: [zoned('a', 'y'), zoned('b', 'z')],
    given: [on('a', 'x', web), on('b', 'y', { cpu: '1' })],
    pod: { ...web, spec: spread(ZONE, { whenUnsatisfiable: 'ScheduleAnyway' }) },
  },
  {
    name: 'the lightest load',
    nodes: [node('a'), node('b'), node('c')],
    given: [on('a', 'x', { cpu: '1' }), on('b', 'y', { cpu: '2' }), on('c', 'z', { cpu: '1', memory: '4Gi' })],
    pod: { cpu: '100m' },
  },
  {
    name: 'the better balance',
    nodes: [node('a'), node('b')],
    given: [on('a', 'x', { cpu: '2', memory: '4Gi' }), on('b', 'y', { cpu: '4', memory: '10Mi' })],
    pod: { cpu: '0', memory: '1Gi' },
  },
];

const pushes: readonly SchedulingCase[] = [
  {
    name: 'the least important goes',
    nodes: [node('a')],
    given: [...priorities, on('a', 'five', { cpu: '2', ...rank(5) }), on('a', 'one', { cpu: '2', ...rank(1) })],
    pod: { cpu: '1', ...rank(9) },
  },
  {
    name: 'no more than needed go',
    nodes: [node('a'), node('b')],
    given: [
      ...priorities,
      on('a', 'x', { cpu: '2', ...rank(1) }),
      on('a', 'y', { cpu: '2', ...rank(1) }),
      on('b', 'z', { cpu: '4', ...rank(1) }),
    ],
    pod: { cpu: '4', ...rank(9) },
  },
  {
    name: 'the node of the less important',
    nodes: [node('a'), node('b')],
    given: [...priorities, on('a', 'x', { cpu: '4', ...rank(5) }), on('b', 'y', { cpu: '4', ...rank(1) })],
    pod: { cpu: '1', ...rank(9) },
  },
  {
    name: 'a budget is kept',
    nodes: [node('a'), node('b')],
    given: [
      ...priorities,
      budget('kept', 0),
      on('a', 'x', { cpu: '4', labels: { app: 'kept' }, ...rank(1) }),
      on('b', 'y', { cpu: '4', ...rank(5) }),
    ],
    pod: { cpu: '1', ...rank(9) },
  },
  {
    name: 'a budget that cannot be kept',
    nodes: [node('a')],
    given: [...priorities, budget('kept', 0), on('a', 'x', { cpu: '4', labels: { app: 'kept' }, ...rank(1) })],
    pod: { cpu: '1', ...rank(9) },
  },
  {
    name: 'nobody is less important',
    nodes: [node('a')],
    given: [...priorities, on('a', 'x', { cpu: '4', ...rank(9) })],
    pod: { cpu: '1', ...rank(9) },
  },
  {
    name: 'it would not be enough',
    nodes: [node('a')],
    given: [...priorities, on('a', 'x', { cpu: '3', ...rank(9) }), on('a', 'y', { cpu: '1', ...rank(1) })],
    pod: { cpu: '2', ...rank(5) },
  },
  {
    name: 'it is not to push',
    nodes: [node('a')],
    given: [...priorities, polite, on('a', 'x', { cpu: '4', ...rank(1) })],
    pod: { cpu: '1', spec: { priorityClassName: 'polite' } },
  },
  {
    name: 'who keeps it away goes',
    nodes: [node('a')],
    given: [
      ...priorities,
      on('a', 'x', { ...rank(1, { affinity: { podAntiAffinity: required(term('web', HOST)) } }) }),
      on('a', 'y', rank(1)),
    ],
    pod: { ...web, ...rank(9) },
  },
];

export const schedulingCases: readonly SchedulingCase[] = [...fits, ...volumes, ...wishes, ...pushes];

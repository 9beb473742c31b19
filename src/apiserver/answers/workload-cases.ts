import type { AnswerCase } from './answer-case.ts';
import { CONTAINER, create, type KindName, LABELS, patch, SELECTOR, TEMPLATE } from './requests.ts';

const NEVER = { spec: { containers: [CONTAINER], restartPolicy: 'Never' } };
const INDEXED = { completionMode: 'Indexed', completions: 3, template: NEVER };

function made(name: string, kind: KindName, spec: object, more: object = {}): AnswerCase {
  return { name: `workload: ${name}`, ask: create(kind, { spec, ...more }) };
}

function job(name: string, spec: object): AnswerCase {
  return made(`job, ${name}`, 'job', { template: NEVER, ...spec });
}

function policy(...rules: readonly object[]): object {
  return { podFailurePolicy: { rules } };
}

const exits = (operator: string, ...values: readonly number[]): object => ({ onExitCodes: { operator, values } });

const jobs: readonly AnswerCase[] = [
  made('job, that restarts', 'job', { template: { spec: { containers: [CONTAINER] } } }),
  made('job, a restart that is none', 'job', {
    template: { spec: { containers: [CONTAINER], restartPolicy: 'Maybe' } },
  }),
  job('limits by index', { ...INDEXED, backoffLimitPerIndex: 1, maxFailedIndexes: 2 }),
  job('limits by index without indexes', { backoffLimitPerIndex: 1, maxFailedIndexes: 1 }),
  job('more failed indexes than there are', { ...INDEXED, backoffLimitPerIndex: 1, maxFailedIndexes: 4 }),
  job('failed indexes without a limit', { ...INDEXED, maxFailedIndexes: 1 }),
  job('indexes without completions', { completionMode: 'Indexed', parallelism: 2 }),
  job('a failure policy', policy({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] })),
  job('a failure policy of exit codes', policy({ action: 'FailJob', ...exits('In', 1, 2) })),
  job('a rule about nothing', policy({ action: 'Count' })),
  job('a rule without an action', policy({ action: '', ...exits('In', 1) })),
  job('a rule with another action', policy({ action: 'Retry', ...exits('In', 1) })),
  job('a rule about an index', policy({ action: 'FailIndex', ...exits('In', 1) })),
  job('exit codes out of order', policy({ action: 'Count', ...exits('NotIn', 2, 1, 1) })),
  job('the exit code of success', policy({ action: 'Count', ...exits('In', 0) })),
  job('no exit codes', policy({ action: 'Count', ...exits('In') })),
  job('another operator', policy({ action: 'Count', ...exits('Above', 1) })),
  job(
    'exit codes of no container',
    policy({ action: 'Count', onExitCodes: { containerName: 'x', operator: 'In', values: [1] } }),
  ),
  job('both in a rule', policy({ action: 'Count', ...exits('In', 1), onPodConditions: [{ type: 'A' }] })),
  job('a policy with restarts', {
    ...policy({ action: 'Count', ...exits('In', 1) }),
    template: { spec: { containers: [CONTAINER], restartPolicy: 'OnFailure' } },
  }),
  job('a policy with another replacement', {
    ...policy({ action: 'Count', ...exits('In', 1) }),
    podReplacementPolicy: 'TerminatingOrFailed',
  }),
  job('a replacement that is none', { podReplacementPolicy: 'Always' }),
  job('a success policy', { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] } }),
  job('a success policy without indexes', { successPolicy: { rules: [{ succeededCount: 1 }] } }),
  job('a success policy without rules', { ...INDEXED, successPolicy: { rules: [] } }),
  job('a success policy that says nothing', { ...INDEXED, successPolicy: { rules: [{}] } }),
  job('a success that cannot be', { ...INDEXED, successPolicy: { rules: [{ succeededCount: 4 }] } }),
  job('more successes than indexes', {
    ...INDEXED,
    successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 3 }] },
  }),
  job('indexes backwards', { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: '2-1,0' }] } }),
  job('a success of indexes that are none', { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: '2-x' }] } }),
];

const TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };

function autoscaler(name: string, spec: object): AnswerCase {
  return made(`autoscaler, ${name}`, 'autoscaler', { scaleTargetRef: TARGET, maxReplicas: 3, ...spec });
}

const cpu = (target: object): object => ({ metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] });

const autoscalers: readonly AnswerCase[] = [
  autoscaler('a direction', { behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } }),
  autoscaler('rules that cannot be', {
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 3601,
        selectPolicy: 'Most',
        policies: [{ type: 'Nodes', value: 0, periodSeconds: 1801 }],
      },
      scaleDown: { stabilizationWindowSeconds: -1 },
    },
  }),
  autoscaler('an average', cpu({ type: 'AverageValue', averageValue: '100m' })),
  autoscaler('no figure', cpu({ type: 'Utilization' })),
  autoscaler('two figures', cpu({ type: 'Utilization', averageUtilization: 5, averageValue: '1' })),
  autoscaler('figures that cannot be', cpu({ type: 'Utilization', averageUtilization: 0 })),
  autoscaler('another target', cpu({ type: 'Most', averageUtilization: 5 })),
  autoscaler('a metric without its source', { metrics: [{ type: 'Resource' }] }),
  autoscaler('a metric of another type', { metrics: [{ type: 'Other' }] }),
  autoscaler('two sources in one metric', {
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 5 } },
        pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } },
      },
    ],
  }),
  autoscaler('Pods without an average', {
    metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }],
  }),
  autoscaler('a container without its name', {
    metrics: [
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: '', target: { type: 'Utilization', averageUtilization: 5 } },
      },
    ],
  }),
];

const ONE = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const DISK = { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/x' } };

function claim(name: string, spec: object): AnswerCase {
  return made(`claim, ${name}`, 'persistentVolumeClaim', spec);
}

function volume(name: string, spec: object): AnswerCase {
  return made(`volume, ${name}`, 'persistentVolume', spec);
}

function changed(name: string, kind: KindName, before: object, after: object): AnswerCase {
  return { name: `workload: ${name}`, given: [create(kind, before)], ask: patch(kind, 'merge', after) };
}

const volumes: readonly AnswerCase[] = [
  claim('modes that do not go together', { ...ONE, accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'] }),
  claim('a mode that is none', { ...ONE, accessModes: ['Write'] }),
  claim('nothing', { ...ONE, resources: { requests: { storage: '0' } } }),
  claim('less than nothing', { ...ONE, resources: { requests: { storage: '-1' } } }),
  claim('another volume mode', { ...ONE, volumeMode: 'Tape' }),
  claim('a selector that is none', { ...ONE, selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }),
  changed(
    'claim, another class',
    'persistentVolumeClaim',
    { spec: { ...ONE, storageClassName: 'a' } },
    {
      spec: { volumeName: 'v' },
    },
  ),
  changed(
    'claim, that grows too early',
    'persistentVolumeClaim',
    { spec: { ...ONE, storageClassName: 'a' } },
    {
      spec: { resources: { requests: { storage: '2Gi' } } },
    },
  ),
  volume('local without a node', {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    local: { path: '/x' },
  }),
  volume('two sources', { ...DISK, nfs: { server: 's', path: '/p' } }),
  volume('no source', { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } }),
  volume('no room', { ...DISK, capacity: { storage: '0' } }),
  volume('another capacity', { ...DISK, capacity: { cpu: '1' } }),
  volume('another reclaim policy', { ...DISK, persistentVolumeReclaimPolicy: 'Keep' }),
  volume('a mode that is none', { ...DISK, accessModes: ['Write'] }),
  volume('a path without one', { ...DISK, hostPath: { path: '' } }),
  changed('volume, another mode', 'persistentVolume', { spec: DISK }, { spec: { volumeMode: 'Block' } }),
  changed(
    'volume, for a claim',
    'persistentVolume',
    { spec: DISK },
    {
      spec: { claimRef: { namespace: 'default', name: 'c' } },
    },
  ),
  changed(
    'storage class, another provisioner',
    'storageClass',
    { provisioner: 'a.example' },
    {
      provisioner: 'b.example',
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
      parameters: { a: 'b' },
    },
  ),
];

const SET = { selector: SELECTOR, serviceName: 's' };
const MOUNTS = {
  metadata: { labels: LABELS },
  spec: { containers: [{ ...CONTAINER, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
};

const sets: readonly AnswerCase[] = [
  made('stateful set, a volume of a claim', 'statefulSet', {
    ...SET,
    template: MOUNTS,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: ONE }],
  }),
  made('stateful set, a volume that is none', 'statefulSet', { ...SET, template: MOUNTS }),
  made('stateful set, another retention', 'statefulSet', {
    ...SET,
    template: TEMPLATE,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' },
  }),
  made('pod, behind a gate', 'pod', { containers: [CONTAINER], schedulingGates: [{ name: 'example.com/g' }] }),
  made(
    'pod, spread by its own labels',
    'pod',
    {
      containers: [CONTAINER],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: SELECTOR,
          matchLabelKeys: ['rev'],
        },
      ],
    },
    { metadata: { labels: { ...LABELS, rev: '1' } } },
  ),
];

/** What Jobs, autoscalers, volumes and sets may say. */
export const workloadCases: readonly AnswerCase[] = [...jobs, ...autoscalers, ...volumes, ...sets];

import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { CONTAINER, create, KINDS, read } from './requests.ts';

function limits(...items: readonly object[]): AnswerRequest {
  return create('limitRange', { metadata: { name: 'r' }, spec: { limits: items } });
}

function pod(resources: object, more: object = {}): AnswerRequest {
  return create('pod', { spec: { containers: [{ ...CONTAINER, resources }], ...more } });
}

/** A quota as it is when the controller has seen it. */
function quota(hard: object, used: object, spec: object = {}): readonly AnswerRequest[] {
  const made = create('resourceQuota', { metadata: { name: 'q' }, spec: { hard, ...spec } });
  const path = `${KINDS.resourceQuota.path}/q/status`;
  const body = { status: { hard, used } };
  return [made, { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }];
}

const CPU = { type: 'Container', max: { cpu: '1' }, min: { cpu: '100m' } };

const ranges: readonly AnswerCase[] = [
  {
    name: 'limits: defaults',
    given: [limits({ type: 'Container', default: { cpu: '500m', memory: '64Mi' }, defaultRequest: { cpu: '250m' } })],
    ask: pod({}),
  },
  {
    name: 'limits: some defaults',
    given: [limits({ type: 'Container', default: { cpu: '500m', memory: '64Mi' } })],
    ask: pod({ limits: { cpu: '1' } }, { initContainers: [{ ...CONTAINER, name: 'i' }] }),
  },
  { name: 'limits: within', given: [limits(CPU)], ask: pod({ limits: { cpu: '500m' } }) },
  { name: 'limits: too much', given: [limits(CPU)], ask: pod({ limits: { cpu: '2' } }) },
  { name: 'limits: too little', given: [limits(CPU)], ask: pod({ limits: { cpu: '500m' }, requests: { cpu: '50m' } }) },
  {
    name: 'limits: too little and too much',
    given: [limits(CPU)],
    ask: pod({ limits: { cpu: '2' }, requests: { cpu: '50m' } }),
  },
  {
    name: 'limits: of a Pod',
    given: [limits({ type: 'Pod', max: { memory: '1Gi' }, min: { cpu: '2' } })],
    ask: pod({ limits: { memory: '2Gi', cpu: '1' } }),
  },
  {
    name: 'limits: of a Pod that says nothing',
    given: [limits({ type: 'Pod', max: { memory: '1Gi' }, min: { cpu: '2' } })],
    ask: pod({}),
  },
  {
    name: 'limits: ratio',
    given: [limits({ type: 'Container', maxLimitRequestRatio: { cpu: '2' } })],
    ask: pod({ limits: { cpu: '1' }, requests: { cpu: '250m' } }),
  },
  {
    name: 'limits: of a claim',
    given: [limits({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } })],
    ask: create('persistentVolumeClaim', {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
    }),
  },
];

const quotas: readonly AnswerCase[] = [
  { name: 'quota: one Pod more', given: quota({ pods: '2' }, { pods: '1' }), ask: pod({}) },
  {
    name: 'quota: what it says then',
    given: [...quota({ pods: '2', 'count/pods': '5' }, { pods: '1', 'count/pods': '1' }), pod({})],
    ask: read('resourceQuota', '/q'),
  },
  { name: 'quota: one Pod too many', given: quota({ pods: '2' }, { pods: '2' }), ask: pod({}) },
  {
    name: 'quota: one Pod too many, for nothing',
    given: quota({ pods: '2' }, { pods: '2' }),
    ask: { ...pod({}), path: `${KINDS.pod.path}?dryRun=All` },
  },
  {
    name: 'quota: too much of two',
    given: quota({ 'requests.cpu': '1', 'limits.memory': '1Gi' }, { 'requests.cpu': '500m', 'limits.memory': '512Mi' }),
    ask: pod({ requests: { cpu: '600m' }, limits: { memory: '600Mi', cpu: '1' } }),
  },
  {
    name: 'quota: amounts that are not said',
    given: quota({ 'requests.cpu': '1', memory: '1Gi' }, { 'requests.cpu': '0', memory: '0' }),
    ask: pod({}),
  },
  { name: 'quota: one map too many', given: quota({ configmaps: '1' }, { configmaps: '1' }), ask: create('configMap') },
  {
    name: 'quota: one map too many by count',
    given: quota({ 'count/configmaps': '1' }, { 'count/configmaps': '1' }),
    ask: create('configMap'),
  },
  {
    name: 'quota: a workload too many',
    given: quota({ 'count/deployments.apps': '0' }, { 'count/deployments.apps': '0' }),
    ask: create('deployment', {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [CONTAINER] } },
      },
    }),
  },
  {
    name: 'quota: node ports',
    given: quota(
      { 'services.nodeports': '1', 'services.loadbalancers': '0' },
      { 'services.nodeports': '0', 'services.loadbalancers': '0' },
    ),
    ask: {
      method: 'POST',
      path: '/api/v1/namespaces/default/services',
      body: {
        metadata: { name: 'x' },
        spec: {
          type: 'LoadBalancer',
          ports: [
            { name: 'a', port: 80 },
            { name: 'b', port: 81 },
          ],
        },
      },
    },
  },
  {
    name: 'quota: storage',
    given: quota({ 'requests.storage': '1Gi' }, { 'requests.storage': '0' }),
    ask: create('persistentVolumeClaim', {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
    }),
  },
  { name: 'quota: of others', given: quota({ pods: '0' }, { pods: '0' }, { scopes: ['NotBestEffort'] }), ask: pod({}) },
  { name: 'quota: of its kind', given: quota({ pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] }), ask: pod({}) },
  {
    name: 'quota: of Pods that end',
    given: quota({ pods: '0' }, { pods: '0' }, { scopes: ['Terminating'] }),
    ask: pod({}, { activeDeadlineSeconds: 9 }),
  },
  {
    name: 'quota: of a priority',
    given: quota(
      { pods: '0' },
      { pods: '0' },
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
        },
      },
    ),
    ask: pod({}, { priorityClassName: 'system-node-critical' }),
  },
  {
    name: 'quota: that changes itself',
    given: quota({ cpu: '1', 'count/resourcequotas': '1' }, {}),
    ask: {
      method: 'PATCH',
      path: `${KINDS.resourceQuota.path}/q`,
      body: { metadata: { labels: { a: 'b' } }, spec: { hard: { memory: '1Gi' } } },
      contentType: 'application/strategic-merge-patch+json',
    },
  },
  {
    name: 'quota: that nobody has counted yet',
    given: [create('resourceQuota', { metadata: { name: 'q' }, spec: { hard: { pods: '0' } } })],
    ask: create('pod', { spec: { containers: [CONTAINER] } }),
  },
];

export const limitCases: readonly AnswerCase[] = [...ranges, ...quotas];

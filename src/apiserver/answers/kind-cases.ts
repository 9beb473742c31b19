import type { AnswerCase } from './answer-case.ts';
import { CONTAINER, create, type KindName, LABELS, read, SELECTOR, TABLE, TEMPLATE } from './requests.ts';

const JOB = { template: { spec: { containers: [CONTAINER], restartPolicy: 'Never' } } };
const RULES = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const ROLE_REF = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const SUBJECTS = [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }];
const REGARDING = { kind: 'Pod', namespace: 'default', name: 'p' };
const RULE = {
  host: 'a.test',
  http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] },
};
const TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };

/** The least that a kind can be made of, and something more. */
const OBJECTS: readonly (readonly [KindName, string, object])[] = [
  ['node', 'least', {}],
  [
    'node',
    'full',
    { spec: { podCIDR: '10.0.0.0/24', taints: [{ key: 'a', effect: 'NoSchedule' }], unschedulable: true } },
  ],
  ['pod', 'least', { spec: { containers: [CONTAINER] } }],
  [
    'pod',
    'full',
    {
      metadata: { labels: LABELS },
      spec: {
        initContainers: [{ name: 'i', image: 'i:1', restartPolicy: 'Always' }],
        containers: [
          {
            ...CONTAINER,
            image: 'a/b:1.0',
            ports: [{ containerPort: 80 }],
            env: [
              { name: 'A', value: 'b' },
              { name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            ],
            resources: { limits: { cpu: '500m', memory: '64Mi' } },
            livenessProbe: { httpGet: { port: 80 } },
            readinessProbe: { tcpSocket: { port: 80 } },
            lifecycle: { preStop: { exec: { command: ['true'] } } },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 's', secret: { secretName: 's' } },
          { name: 'm', configMap: { name: 'm' } },
          { name: 'h', hostPath: { path: '/h' } },
          { name: 'd', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'p', projected: { sources: [{ configMap: { name: 'm' } }, { serviceAccountToken: { path: 't' } }] } },
        ],
      },
    },
  ],
  ['configMap', 'least', {}],
  ['configMap', 'full', { data: { a: 'b' }, binaryData: { c: 'aGk=' }, immutable: true }],
  ['secret', 'least', {}],
  ['secret', 'full', { stringData: { a: 'b' }, data: { c: 'aGk=' }, type: 'example.com/x' }],
  ['serviceAccount', 'least', {}],
  ['event', 'full', { involvedObject: REGARDING, reason: 'R', message: 'm', type: 'Normal', count: 1 }],
  ['replicationController', 'least', { spec: { template: TEMPLATE } }],
  [
    'persistentVolume',
    'full',
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/p' } } },
  ],
  [
    'persistentVolumeClaim',
    'least',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
  ],
  ['limitRange', 'full', { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, default: { cpu: '1' } }] } }],
  ['resourceQuota', 'full', { spec: { hard: { pods: '2', 'requests.cpu': '1' } } }],
  ['endpoints', 'least', {}],
  ['deployment', 'least', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['replicaSet', 'least', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['statefulSet', 'least', { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: 's' } }],
  [
    'statefulSet',
    'with claims',
    {
      spec: {
        selector: SELECTOR,
        template: TEMPLATE,
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
  ['daemonSet', 'least', { spec: { selector: SELECTOR, template: TEMPLATE } }],
  ['controllerRevision', 'least', { revision: 1, data: { a: 1 } }],
  [
    'job',
    'least',
    {
      metadata: { uid: '' },
      spec: { manualSelector: true, selector: SELECTOR, template: { ...JOB.template, metadata: { labels: LABELS } } },
    },
  ],
  ['cronJob', 'least', { spec: { schedule: '* * * * *', jobTemplate: { spec: JOB } } }],
  [
    'ingress',
    'full',
    { spec: { ingressClassName: 'c', rules: [RULE], tls: [{ hosts: ['a.test'], secretName: 't' }] } },
  ],
  ['ingress', 'default backend', { spec: { defaultBackend: { service: { name: 's', port: { name: 'http' } } } } }],
  ['ingressClass', 'full', { spec: { controller: 'a.test/c' } }],
  ['networkPolicy', 'least', { spec: { podSelector: {} } }],
  [
    'networkPolicy',
    'full',
    {
      spec: {
        podSelector: SELECTOR,
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80 }] }],
        egress: [{}],
      },
    },
  ],
  ['lease', 'full', { spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } }],
  [
    'eventV1',
    'full',
    {
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: REGARDING,
      reason: 'R',
      action: 'A',
      note: 'n',
      type: 'Normal',
      reportingController: 'a.test/c',
      reportingInstance: 'c-1',
    },
  ],
  ['budget', 'full', { spec: { minAvailable: 1, selector: SELECTOR } }],
  ['budget', 'share', { spec: { maxUnavailable: '25%', selector: SELECTOR } }],
  ['storageClass', 'least', { provisioner: 'a.test/p' }],
  ['priorityClass', 'full', { value: 1000, description: 'd' }],
  ['autoscaler', 'least', { spec: { scaleTargetRef: TARGET, maxReplicas: 3 } }],
  [
    'autoscaler',
    'full',
    {
      spec: {
        scaleTargetRef: TARGET,
        maxReplicas: 3,
        minReplicas: 2,
        metrics: [
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
      },
    },
  ],
  ['autoscalerV1', 'full', { spec: { scaleTargetRef: TARGET, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } }],
  ['role', 'full', { rules: RULES }],
  ['clusterRole', 'full', { rules: [...RULES, { nonResourceURLs: ['/x'], verbs: ['get'] }] }],
  ['roleBinding', 'full', { roleRef: ROLE_REF, subjects: SUBJECTS }],
  ['clusterRoleBinding', 'full', { roleRef: ROLE_REF, subjects: [...SUBJECTS, { kind: 'User', name: 'u' }] }],
];

export const kindCases: readonly AnswerCase[] = [
  { name: 'namespace, least', ask: create('namespace', {}, '?dryRun=All') },
  { name: 'namespace, as a table', ask: read('namespace', '/default', TABLE) },
  ...OBJECTS.map(([kind, what, fields]) => ({ name: `${kind}, ${what}`, ask: create(kind, fields) })),
  // Ages of events are those of what they tell of.
  ...OBJECTS.filter(([kind]) => kind !== 'eventV1').map(([kind, what, fields]) => ({
    name: `${kind}, ${what}, as a table`,
    given: [create(kind, fields)],
    ask: read(kind, '/x', TABLE),
  })),
];

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFields } from '../field-check.ts';
import type { KubeObject } from '../object.ts';
import { builtInKinds } from './built-in.ts';

const NOW = Date.UTC(2026, 0, 2);
const CREATED = '2026-01-01T00:00:00Z';
const TEMPLATE = {
  metadata: { labels: { app: 'web' } },
  spec: {
    containers: [
      { name: 'a', image: 'x' },
      { name: 'b', image: 'y' },
    ],
  },
};
const SELECTOR = { matchLabels: { app: 'web' } };
const CRD = {
  spec: {
    group: 'x.io',
    names: { plural: 'xs', kind: 'X' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true }],
  },
};
const BINDING = {
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [
    { kind: 'User', name: 'ann' },
    { kind: 'User', name: 'bob' },
    { kind: 'Group', name: 'dev' },
    { kind: 'ServiceAccount', name: 'default', namespace: 'kube-system' },
  ],
};
const utilization = (averageUtilization: number): object => ({ type: 'Utilization', averageUtilization });

/** Kind, the rest of the object, and its row. Services and Pods have tables of their own. */
const WEBHOOK = { name: 'a.b.c', clientConfig: {}, sideEffects: 'None', admissionReviewVersions: ['v1'] };

const cases: readonly (readonly [string, object, string])[] = [
  ['Namespace', { status: { phase: 'Active' } }, 'web | Active | 24h'],
  ['Node', {}, 'web | Unknown | <none> | 24h |  | <none> | <none> | <unknown> | <unknown> | <unknown>'],
  [
    'Node',
    {
      metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '172.18.0.2' }],
        nodeInfo: {
          kubeletVersion: 'v1.34.2',
          osImage: 'Debian',
          kernelVersion: '6.18',
          containerRuntimeVersion: 'c://1',
        },
      },
    },
    'web | Ready,SchedulingDisabled | control-plane,worker | 24h | v1.34.2 | 172.18.0.2 | <none> | Debian | 6.18 | c://1',
  ],
  ['Endpoints', {}, 'web | <none> | 24h'],
  ['Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] }, 'web | 10.0.0.1 | 24h'],
  [
    'Endpoints',
    {
      subsets: [
        { addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }, { port: 443 }] },
        { notReadyAddresses: [{ ip: '10.0.0.2' }], ports: [{ port: 80 }] },
      ],
    },
    'web | 10.0.0.1:80,[fd00::1]:80,10.0.0.1:443 + 1 more... | 24h',
  ],
  ['ConfigMap', { data: { a: '' }, binaryData: { b: '' } }, 'web | 2 | 24h'],
  ['Secret', { type: 'Opaque', data: { a: '' } }, 'web | Opaque | 1 | 24h'],
  ['ServiceAccount', { secrets: [{ name: 'a' }] }, 'web | 1 | 24h'],
  [
    'Event',
    {
      type: 'Normal',
      reason: 'Started',
      message: 'Started it\n',
      involvedObject: { kind: 'Pod', name: 'web-1', fieldPath: 'spec.containers{a}' },
      source: { component: 'kubelet', host: 'n1' },
      firstTimestamp: '2026-01-01T23:00:00Z',
      lastTimestamp: '2026-01-01T23:55:00Z',
      count: 3,
    },
    '5m | Normal | Started | pod/web-1 | spec.containers{a} | kubelet, n1 | Started it | 60m | 3 | web',
  ],
  [
    'Event',
    { involvedObject: { kind: 'Node' }, eventTime: '2026-01-01T23:59:00.000000Z', reportingComponent: 'scheduler' },
    '60s |  |  | node |  | scheduler |  | 60s | 1 | web',
  ],
  ['PodTemplate', { template: TEMPLATE }, 'web | a,b | x,y | app=web'],
  [
    'ReplicationController',
    { spec: { replicas: 2, selector: { app: 'web' }, template: TEMPLATE }, status: { replicas: 1, readyReplicas: 1 } },
    'web | 2 | 1 | 1 | 24h | a,b | x,y | app=web',
  ],
  [
    'PersistentVolume',
    {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: 'default', name: 'c' },
        volumeMode: 'Block',
      },
      status: { phase: 'Bound' },
    },
    'web | 1Gi | RWO,RWX | Retain | Bound | default/c |  | <unset> |  | 24h | Block',
  ],
  [
    'PersistentVolumeClaim',
    {
      spec: { volumeName: 'v', storageClassName: 'fast' },
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOncePod'] },
    },
    'web | Bound | v | 1Gi | RWOP | fast | <unset> | 24h | <unset>',
  ],
  [
    'PersistentVolumeClaim',
    { spec: {}, status: { phase: 'Pending' } },
    'web | Pending |  |  |  |  | <unset> | 24h | <unset>',
  ],
  ['LimitRange', { spec: { limits: [] } }, 'web | 2026-01-01T00:00:00Z'],
  [
    'ResourceQuota',
    { status: { hard: { pods: '5', 'limits.cpu': '2', 'requests.cpu': '1' }, used: { pods: '1' } } },
    'web | pods: 1/5, requests.cpu: 0/1 | limits.cpu: 0/2 | 24h',
  ],
  [
    'Deployment',
    {
      spec: { replicas: 3, selector: SELECTOR, template: TEMPLATE },
      status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    },
    'web | 2/3 | 1 | 2 | 24h | a,b | x,y | app=web',
  ],
  [
    'ReplicaSet',
    { spec: { replicas: 3, selector: SELECTOR, template: TEMPLATE }, status: { replicas: 2, readyReplicas: 1 } },
    'web | 3 | 2 | 1 | 24h | a,b | x,y | app=web',
  ],
  [
    'StatefulSet',
    { spec: { replicas: 3, template: TEMPLATE }, status: { readyReplicas: 1 } },
    'web | 1/3 | 24h | a,b | x,y',
  ],
  [
    'DaemonSet',
    {
      spec: { selector: SELECTOR, template: TEMPLATE },
      status: { desiredNumberScheduled: 2, currentNumberScheduled: 1 },
    },
    'web | 2 | 1 | 0 | 0 | 0 | <none> | 24h | a,b | x,y | app=web',
  ],
  [
    'ControllerRevision',
    {
      revision: 4,
      metadata: {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'u', controller: true }],
      },
    },
    'web | statefulset.apps/db | 4 | 24h',
  ],
  [
    'Job',
    {
      spec: { completions: 2, selector: SELECTOR, template: TEMPLATE },
      status: { succeeded: 1, startTime: '2026-01-01T23:58:00Z' },
    },
    'web | Running | 1/2 | 2m | 24h | a,b | x,y | app=web',
  ],
  [
    'Job',
    {
      spec: { parallelism: 3, template: TEMPLATE },
      status: {
        succeeded: 3,
        startTime: CREATED,
        completionTime: '2026-01-01T00:00:09Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    'web | Complete | 3/1 of 3 | 9s | 24h | a,b | x,y | <none>',
  ],
  [
    'CronJob',
    {
      spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template: TEMPLATE } } },
      status: { lastScheduleTime: CREATED, active: [{}] },
    },
    'web | * * * * * | <none> | False | 1 | 24h | 24h | a,b | x,y | <none>',
  ],
  [
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: utilization(80) } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
          { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '5' } } },
        ],
      },
      status: {
        currentReplicas: 2,
        currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } }],
      },
    },
    'web | Deployment/web | cpu: 40%/80%, memory: <unknown>/1Gi + 1 more... | 1 | 5 | 2 | 24h',
  ],
  ['Lease', { spec: { holderIdentity: 'n1' } }, 'web | n1 | 24h'],
  ['EndpointSlice', { addressType: 'IPv4' }, 'web | IPv4 | <unset> | <unset> | 24h'],
  [
    'EndpointSlice',
    {
      addressType: 'IPv4',
      ports: [{ port: 80 }, { name: 'x' }],
      endpoints: [{ addresses: ['10.0.0.1', '10.0.0.2'] }, { addresses: ['10.0.0.3', '10.0.0.4'] }],
    },
    'web | IPv4 | 80,x | 10.0.0.1,10.0.0.2,10.0.0.3 + 1 more... | 24h',
  ],
  [
    'Ingress',
    {
      spec: { ingressClassName: 'n', tls: [{}], rules: [{ host: 'a' }, { host: 'b' }] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    },
    'web | n | a,b | 1.2.3.4 | 80, 443 | 24h',
  ],
  ['Ingress', { spec: { rules: [{ http: { paths: [] } }] } }, 'web | <none> | * |  | 80 | 24h'],
  [
    'IngressClass',
    { spec: { controller: 'a/b', parameters: { apiGroup: 'x.io', kind: 'P', name: 'p' } } },
    'web | a/b | P.x.io/p | 24h',
  ],
  ['NetworkPolicy', { spec: { podSelector: {} } }, 'web | <none> | 24h'],
  ['ServiceCIDR', { spec: { cidrs: ['10.96.0.0/12', 'fd00::/112'] } }, 'web | 10.96.0.0/12,fd00::/112 | 24h'],
  [
    'IPAddress',
    { spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'kubernetes' } } },
    'web | services/default/kubernetes',
  ],
  [
    'PodDisruptionBudget',
    { spec: { maxUnavailable: '50%' }, status: { disruptionsAllowed: 1 } },
    'web | N/A | 50% | 1 | 24h',
  ],
  ['CustomResourceDefinition', CRD, 'web | 2026-01-01T00:00:00Z'],
  ['Role', {}, 'web | 2026-01-01T00:00:00Z'],
  ['ClusterRole', {}, 'web | 2026-01-01T00:00:00Z'],
  ['RoleBinding', BINDING, 'web | ClusterRole/view | 24h | ann, bob | dev | kube-system/default'],
  ['ClusterRoleBinding', BINDING, 'web | ClusterRole/view | 24h | ann, bob | dev | kube-system/default'],
  ['PriorityClass', { value: 5 }, 'web | 5 | false | 24h | PreemptLowerPriority'],
  [
    'StorageClass',
    { provisioner: 'p', metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
    'web (default) | p | Delete | Immediate | false | 24h',
  ],
  [
    'CSIDriver',
    {
      spec: {
        attachRequired: false,
        tokenRequests: [{ audience: 'a' }, { audience: 'b' }],
        volumeLifecycleModes: ['Ephemeral'],
      },
    },
    'web | false | false | false | a,b | false | Ephemeral | 24h',
  ],
  ['CSIDriver', { spec: {} }, 'web | true | false | false | <unset> | false | <none> | 24h'],
  ['ValidatingWebhookConfiguration', { webhooks: [WEBHOOK, WEBHOOK] }, 'web | 2 | 24h'],
  ['MutatingWebhookConfiguration', {}, 'web | 0 | 24h'],
  ['CSINode', { spec: { drivers: [{ name: 'd', nodeID: 'n' }] } }, 'web | 1 | 24h'],
  ['CSIStorageCapacity', { storageClassName: 'fast', capacity: '1Gi' }, 'web | fast | 1Gi'],
  [
    'VolumeAttachment',
    { spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } }, status: { attached: true } },
    'web | d | v | n | true | 24h',
  ],
  ['VolumeAttributesClass', { driverName: 'd' }, 'web | d | 24h'],
  [
    'CertificateSigningRequest',
    {
      spec: { signerName: 'a.b/c', username: 'ann', expirationSeconds: 3600, request: '' },
      status: { conditions: [{ type: 'Approved', status: 'True' }], certificate: 'YQ==' },
    },
    'web | 24h | a.b/c | ann | 60m | Approved,Issued',
  ],
  ['CertificateSigningRequest', { spec: { request: '' } }, 'web | 24h | <none> |  | <none> | Pending'],
  [
    'ValidatingAdmissionPolicy',
    { spec: { validations: [{ expression: 'true' }], paramKind: { apiVersion: 'a/v1', kind: 'K' } } },
    'web | 1 | a/v1/K | 24h',
  ],
  ['ValidatingAdmissionPolicyBinding', { spec: { policyName: 'p', validationActions: [] } }, 'web | p | <unset> | 24h'],
  ['ComponentStatus', { conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] }, 'web | Healthy | ok | '],
  ['ComponentStatus', {}, 'web | Unknown |  | '],
  [
    'APIService',
    {
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 },
      status: { conditions: [{ type: 'Available', status: 'True' }] },
    },
    'web | Local | True | 24h',
  ],
  ['RuntimeClass', { handler: 'runc' }, 'web | runc | 24h'],
  [
    'FlowSchema',
    { spec: { priorityLevelConfiguration: { name: 'p' }, matchingPrecedence: 5 } },
    'web | p | 5 | <none> | 24h | ?',
  ],
  [
    'PriorityLevelConfiguration',
    { spec: { type: 'Exempt' } },
    'web | Exempt | <none> | <none> | <none> | <none> | 24h',
  ],
];

for (const [name, body, text] of cases) {
  test(`row of ${name}: ${text}`, () => {
    const kind = builtInKinds.find((kind) => kind.resource.kind === name);
    assert.ok(kind !== undefined);
    const { metadata, ...rest } = body as { metadata?: object };
    const object = { ...rest, metadata: { name: 'web', creationTimestamp: CREATED, ...metadata } };
    const checked = checkFields(kind.model, object, 'Strict');
    assert.equal(checked.kind, 'ok', JSON.stringify(checked));
    const spec = name === 'Node' && checked.kind === 'ok' ? { spec: {} } : {};
    if (checked.kind === 'ok')
      assert.equal(kind.row({ ...spec, ...(checked.value as KubeObject) }, NOW).join(' | '), text);
  });
}

test('every kind has a row here, or a table of its own', () => {
  const covered = new Set([...cases.map(([name]) => name), 'Service', 'Pod']);
  assert.deepEqual(
    builtInKinds.filter((kind) => !covered.has(kind.resource.kind)),
    [],
  );
});

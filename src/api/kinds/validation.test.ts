import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFields } from '../field-check.ts';
import { fieldErrorText } from '../field-error.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { builtInKinds } from './built-in.ts';

const POD = { containers: [{ name: 'a', image: 'x' }] };
const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: POD };
const SELECTOR = { matchLabels: { app: 'web' } };

function kindOf(name: string): KindDefinition {
  const kind = builtInKinds.find((kind) => kind.resource.kind === name);
  assert.ok(kind !== undefined);
  return kind;
}

function stored(kind: KindDefinition, body: object): KubeObject {
  const { metadata, ...rest } = body as { metadata?: object };
  const namespace = kind.resource.namespaced ? { namespace: 'default' } : {};
  const meta = { name: 'web', ...namespace, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const checked = checkFields(kind.model, { ...rest, metadata: { ...meta, ...metadata } }, 'Strict');
  assert.equal(checked.kind, 'ok', JSON.stringify(checked));
  return kind.prepareCreate(kind.defaults((checked.kind === 'ok' ? checked.value : {}) as KubeObject));
}

const creates: readonly (readonly [string, object, readonly string[]])[] = [
  ['Namespace', {}, []],
  ['Deployment', { spec: { selector: SELECTOR, template: TEMPLATE } }, []],
  [
    'Deployment',
    { spec: { template: TEMPLATE } },
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'Deployment',
    { spec: { selector: {}, template: TEMPLATE, replicas: -1 } },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
  ],
  [
    'Deployment',
    {
      spec: {
        selector: { matchLabels: { app: 'db' } },
        template: { ...TEMPLATE, spec: { ...POD, restartPolicy: 'Never' } },
      },
    },
    [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ],
  [
    'Deployment',
    {
      spec: {
        selector: {
          matchExpressions: [
            { key: 'app', operator: 'In' },
            { key: 'b', operator: 'Like' },
          ],
        },
        template: TEMPLATE,
        strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } },
        minReadySeconds: 5,
        progressDeadlineSeconds: 5,
      },
    },
    [
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.selector.matchExpressions[1].operator: Invalid value: "Like": not a valid selector operator',
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
  ],
  [
    'Deployment',
    {
      spec: { selector: SELECTOR, template: TEMPLATE, strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
    },
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'Deployment',
    {
      spec: {
        selector: SELECTOR,
        template: TEMPLATE,
        strategy: { rollingUpdate: { maxSurge: 'x', maxUnavailable: '101%' } },
      },
    },
    [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
  ],
  [
    'ReplicaSet',
    { spec: { selector: SELECTOR, template: { spec: POD } } },
    ['spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`'],
  ],
  ['StatefulSet', { spec: { selector: SELECTOR, template: TEMPLATE, serviceName: 's' } }, []],
  ['DaemonSet', { spec: { selector: SELECTOR, template: TEMPLATE } }, []],
  ['ReplicationController', { spec: { template: TEMPLATE } }, []],
  ['PodTemplate', { template: TEMPLATE }, []],
  ['PodTemplate', { template: { spec: { containers: [] } } }, ['template.spec.containers: Required value']],
  ['Job', { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } }, []],
  [
    'Job',
    { spec: { template: { spec: POD } } },
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
  [
    'CronJob',
    { spec: { jobTemplate: { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } } } },
    ['spec.schedule: Required value'],
  ],
  [
    'ConfigMap',
    { data: { 'a/b': '', c: '' }, binaryData: { c: '' } },
    [
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      'data[c]: Invalid value: "c": duplicate of key present in binaryData',
    ],
  ],
  ['Secret', { type: 'kubernetes.io/tls' }, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  [
    'Endpoints',
    { subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 0 }] }, {}] },
    [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`',
    ],
  ],
  [
    'EndpointSlice',
    {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['fd00::1'] }, { addresses: [] }],
      ports: [{ port: 80 }, { port: 81 }],
    },
    [
      'ports[1].name: Duplicate value: ""',
      'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address',
      'endpoints[1].addresses: Required value: must contain at least 1 address',
    ],
  ],
  ['EndpointSlice', {}, ['addressType: Required value']],
  [
    'Event',
    { involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  [
    'Lease',
    { spec: { leaseDurationSeconds: 0 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  ],
  ['Ingress', {}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  [
    'Ingress',
    { spec: { rules: [{ http: { paths: [{ path: '/', backend: {} }] } }] } },
    [
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
      'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
    ],
  ],
  [
    'ServiceCIDR',
    { spec: { cidrs: ['10.96.0.1/12'] } },
    ['spec.cidrs[0]: Invalid value: "10.96.0.1/12": must not have bits set beyond the prefix length'],
  ],
  [
    'IPAddress',
    { spec: { parentRef: { resource: 'services', name: 'a' } } },
    ['metadata.name: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [
    'PodDisruptionBudget',
    { spec: { minAvailable: 1, maxUnavailable: 1 } },
    [
      'spec: Invalid value: {"MinAvailable":1,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
    ],
  ],
  [
    'HorizontalPodAutoscaler',
    {
      spec: {
        minReplicas: 3,
        maxReplicas: 2,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      },
    },
    ['spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`'],
  ],
  [
    'Role',
    { rules: [{}] },
    [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ],
  ],
  [
    'RoleBinding',
    { roleRef: { kind: 'Rule', name: 'a' }, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
    [
      'roleRef.kind: Unsupported value: "Rule": supported values: "Role", "ClusterRole"',
      'subjects[0].namespace: Required value',
    ],
  ],
  ['FlowSchema', { metadata: { name: 'constructor' }, spec: { priorityLevelConfiguration: { name: 'exempt' } } }, []],
  [
    'Node',
    { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
    [
      'metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  ],
];

for (const [name, body, errors] of creates) {
  test(`${name} ${JSON.stringify(body).slice(0, 60)} has ${errors.length} errors`, () => {
    const kind = kindOf(name);
    assert.deepEqual(kind.validateCreate(stored(kind, body)).map(fieldErrorText), errors);
  });
}

const DEPLOYMENT = { spec: { selector: SELECTOR, template: TEMPLATE } };
const OTHER = { matchLabels: { app: 'web', b: 'c' } };

/** Kind, before, after, the generation that follows, the errors. */
const updates: readonly (readonly [string, object, object, number | undefined, readonly string[]])[] = [
  ['Deployment', DEPLOYMENT, DEPLOYMENT, 1, []],
  ['Deployment', DEPLOYMENT, { ...DEPLOYMENT, metadata: { labels: { a: 'b' } } }, 1, []],
  ['Deployment', DEPLOYMENT, { spec: { ...DEPLOYMENT.spec, replicas: 3 } }, 2, []],
  [
    'Deployment',
    DEPLOYMENT,
    { spec: { selector: OTHER, template: { ...TEMPLATE, metadata: { labels: OTHER.matchLabels } } } },
    2,
    ['spec.selector: Invalid value: {"matchLabels":{"app":"web","b":"c"}}: field is immutable'],
  ],
  [
    'StatefulSet',
    DEPLOYMENT,
    { spec: { ...DEPLOYMENT.spec, serviceName: 'x' } },
    2,
    [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  ],
  [
    'ConfigMap',
    { immutable: true, data: { a: '1' } },
    { data: { a: '2' } },
    undefined,
    [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  ],
  ['Secret', {}, { type: 'a/b' }, undefined, ['type: Invalid value: "a/b": field is immutable']],
  [
    'EndpointSlice',
    { addressType: 'IPv4' },
    { addressType: 'IPv6' },
    2,
    ['addressType: Invalid value: "IPv6": field is immutable'],
  ],
  ['EndpointSlice', { addressType: 'IPv4' }, { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] }, 2, []],
  [
    'RoleBinding',
    { roleRef: { kind: 'Role', name: 'a' } },
    { roleRef: { kind: 'Role', name: 'b' } },
    undefined,
    [
      'roleRef: Invalid value: {"kind":"Role","name":"b","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ],
  ],
  [
    'Node',
    { spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] } },
    { spec: { podCIDR: '10.0.1.0/24', podCIDRs: ['10.0.1.0/24'] } },
    undefined,
    ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
  ],
];

for (const [name, before, after, generation, errors] of updates) {
  test(`${name} update to ${JSON.stringify(after).slice(0, 60)} has ${errors.length} errors`, () => {
    const kind = kindOf(name);
    const old = stored(kind, before);
    const next = kind.prepareUpdate(kind.defaults(stored(kind, after)), old);
    assert.deepEqual(kind.validateUpdate(next, old).map(fieldErrorText), errors);
    assert.equal(next.metadata.generation, generation);
  });
}

test('a status update changes the status alone, an update everything else', () => {
  const kind = kindOf('Deployment');
  const old = stored(kind, DEPLOYMENT);
  const sent = {
    ...stored(kind, { spec: { ...DEPLOYMENT.spec, replicas: 5 } }),
    status: { replicas: 4 },
  } as KubeObject;
  const shown = (object: KubeObject): unknown => {
    const { spec, status } = object as unknown as { spec: { replicas: number }; status: unknown };
    return [spec.replicas, status, object.metadata.generation];
  };
  assert.deepEqual(shown(kind.prepareStatusUpdate(sent, old)), [1, { replicas: 4 }, 1]);
  assert.deepEqual(shown(kind.prepareUpdate(sent, old)), [5, {}, 2]);
});

const defaults: readonly (readonly [string, object, string])[] = [
  [
    'Deployment',
    { spec: { selector: SELECTOR, template: {} } },
    '{"replicas":1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}',
  ],
  ['ReplicaSet', { spec: { selector: SELECTOR } }, '{"replicas":1}'],
  [
    'StatefulSet',
    { spec: { selector: SELECTOR } },
    '{"replicas":1,"serviceName":"","podManagementPolicy":"OrderedReady","updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0}},"revisionHistoryLimit":10,"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain","whenScaled":"Retain"}}',
  ],
  [
    'DaemonSet',
    { spec: { selector: SELECTOR } },
    '{"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}},"revisionHistoryLimit":10}',
  ],
  [
    'Job',
    {},
    '{"completions":1,"parallelism":1,"backoffLimit":6,"completionMode":"NonIndexed","suspend":false,"manualSelector":false,"podReplacementPolicy":"TerminatingOrFailed","selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}}}',
  ],
  [
    'CronJob',
    { spec: { schedule: '* * * * *' } },
    '{"schedule":"* * * * *","concurrencyPolicy":"Allow","suspend":false,"successfulJobsHistoryLimit":3,"failedJobsHistoryLimit":1}',
  ],
  ['NetworkPolicy', { spec: { egress: [{}] } }, '{"egress":[{}],"podSelector":{},"policyTypes":["Ingress","Egress"]}'],
  ['Namespace', {}, '{"finalizers":["kubernetes"]}'],
  ['PersistentVolume', {}, '{"persistentVolumeReclaimPolicy":"Retain","volumeMode":"Filesystem"}'],
  [
    'LimitRange',
    { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, defaultRequest: { cpu: '1' } }] } },
    '{"limits":[{"type":"Container","max":{"cpu":"2"},"defaultRequest":{"cpu":"1"},"default":{"cpu":"2"}}]}',
  ],
];

for (const [name, body, text] of defaults) {
  test(`${name} defaults`, () => {
    const { spec } = stored(kindOf(name), body) as unknown as { spec: object };
    const shown = Object.entries(spec).filter(([key]) => !['template', 'jobTemplate'].includes(key));
    const given = (body as { spec?: { selector?: object } }).spec?.selector;
    const own = shown.filter(([key]) => key !== 'selector' || given === undefined);
    assert.equal(JSON.stringify(Object.fromEntries(own)), text);
  });
}

test('a Secret stores the texts of stringData among its data', () => {
  const made = stored(kindOf('Secret'), { data: { a: 'YQ==' }, stringData: { b: 'b' } });
  const { data, type, stringData } = made as unknown as { data: unknown; type: string; stringData: unknown };
  assert.deepEqual([data, type, stringData], [{ a: 'YQ==', b: 'Yg==' }, 'Opaque', undefined]);
});

test('a Namespace carries its name as a label', () => {
  const made = stored(kindOf('Namespace'), { metadata: { labels: { a: 'b' } } });
  assert.deepEqual(made.metadata.labels, { a: 'b', 'kubernetes.io/metadata.name': 'web' });
});

test('Endpoints warn of their age', () => {
  const kind = kindOf('Endpoints');
  assert.equal(kind.deprecation, 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice');
});

import type { AnswerCase } from './answer-case.ts';
import { CONTAINER, create, KINDS, LABELS, SELECTOR, TEMPLATE } from './requests.ts';

const MAPS = KINDS.configMap.path;

function text(name: string, body: string, contentType: string = 'application/json', query: string = ''): AnswerCase {
  return { name: `body: ${name}`, ask: { method: 'POST', path: `${MAPS}${query}`, body, contentType } };
}

const HEAD = '"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}';

const texts: readonly AnswerCase[] = [
  text('nothing', ''),
  text('no JSON', 'hello'),
  text('half of it', `{${HEAD}`),
  text('a list', '[]'),
  text('a number', '1'),
  text('null', 'null'),
  text('a text', '"x"'),
  text('more behind it', `{${HEAD}} x`),
  text('a comma too many', `{${HEAD},}`),
  text('a control character', `{${HEAD},"data":{"a":"\u0001"}}`),
  text('a kind that is a number', '{"apiVersion":"v1","kind":1}'),
  text('metadata that is a list', '{"apiVersion":"v1","kind":"ConfigMap","metadata":[]}'),
  text('a name that is a number', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":1}}'),
  text('data that is a list', `{${HEAD},"data":["a"]}`),
  text('data with a number', `{${HEAD},"data":{"a":1}}`),
  text('data with null', `{${HEAD},"data":{"a":null}}`),
  text('a truth that is a text', `{${HEAD},"immutable":"yes"}`),
  text('bytes that are none', `{${HEAD},"binaryData":{"a":"%%"}}`),
  text('the same field twice', `{${HEAD},"data":{"a":"1"},"data":{"a":"2"}}`),
  text(
    'the same field twice, strictly',
    `{${HEAD},"data":{"a":"1"},"data":{"a":"2"}}`,
    undefined,
    '?fieldValidation=Strict',
  ),
  text('an unknown field', `{${HEAD},"foo":1,"metadata":{"name":"x","bar":2}}`),
  text('an unknown field, strictly', `{${HEAD},"foo":1,"data":{"a":"b"}}`, undefined, '?fieldValidation=Strict'),
  text('an unknown field, ignored', `{${HEAD},"foo":1}`, undefined, '?fieldValidation=Ignore'),
  text('fields in another case', `{${HEAD},"Data":{"a":"b"}}`),
  text('YAML', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: "1"\n', 'application/yaml'),
  text('YAML that is none', 'a: b: c', 'application/yaml'),
  text('YAML with a tab', 'a:\n\tb: c', 'application/yaml'),
  text(
    'YAML with the same key twice',
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: "1"\n  a: "2"\n',
    'application/yaml',
  ),
  text(
    'YAML with the same key twice, strictly',
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: "1"\n  a: "2"\n',
    'application/yaml',
    '?fieldValidation=Strict',
  ),
  text(
    'YAML with a number',
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: 1\n',
    'application/yaml',
  ),
  text('an unknown type', `{${HEAD}}`, 'text/plain'),
];

function pod(name: string, spec: object, container: object = {}): AnswerCase {
  return {
    name: `pod: ${name}`,
    ask: create('pod', { spec: { containers: [{ ...CONTAINER, ...container }], ...spec } }),
  };
}

const pods: readonly AnswerCase[] = [
  { name: 'pod: no spec', ask: create('pod') },
  pod('no containers', { containers: [] }),
  pod('a container of nothing', { containers: [{}] }),
  pod('two containers of one name', { containers: [CONTAINER, CONTAINER] }),
  pod('a container with a bad name', {}, { name: 'A_b' }),
  pod('no image', { containers: [{ name: 'c' }] }),
  pod('a policy that is none', { restartPolicy: 'Sometimes' }),
  pod('a pull policy that is none', {}, { imagePullPolicy: 'Sometimes' }),
  pod('a port out of range', {}, { ports: [{ containerPort: 70_000 }] }),
  pod('a port that is a text', {}, { ports: [{ containerPort: '80' }] }),
  pod(
    'the same port name twice',
    {},
    {
      ports: [
        { name: 'a', containerPort: 80 },
        { name: 'a', containerPort: 81 },
      ],
    },
  ),
  pod('a quantity that is none', {}, { resources: { limits: { cpu: 'x' } } }),
  pod('a quantity that is a number', {}, { resources: { limits: { cpu: 1, memory: 1024 } } }),
  pod('a request over its limit', {}, { resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
  pod('a negative limit', {}, { resources: { limits: { cpu: '-1' } } }),
  pod('an unknown resource', {}, { resources: { limits: { foo: '1' } } }),
  pod('a resource of somebody', {}, { resources: { limits: { 'a.test/gpu': '1' } } }),
  pod('an extended resource without a limit', {}, { resources: { requests: { 'a.test/gpu': '1' } } }),
  pod('a mount of nothing', {}, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
  pod('a mount without a path', { volumes: [{ name: 'v', emptyDir: {} }] }, { volumeMounts: [{ name: 'v' }] }),
  pod(
    'two mounts at one path',
    { volumes: [{ name: 'v', emptyDir: {} }] },
    {
      volumeMounts: [
        { name: 'v', mountPath: '/v' },
        { name: 'v', mountPath: '/v' },
      ],
    },
  ),
  pod('a volume of nothing', { volumes: [{ name: 'v' }] }),
  pod('a volume of two things', { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
  pod('two volumes of one name', {
    volumes: [
      { name: 'v', emptyDir: {} },
      { name: 'v', emptyDir: {} },
    ],
  }),
  pod('an environment without a name', {}, { env: [{ value: 'a' }] }),
  pod(
    'an environment from two places',
    {},
    { env: [{ name: 'A', value: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
  ),
  pod(
    'an environment from an unknown field',
    {},
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] },
  ),
  pod('a probe of nothing', {}, { livenessProbe: {} }),
  pod('a probe of two things', {}, { livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }),
  pod('a probe that fails at once', {}, { livenessProbe: { httpGet: { port: 80 }, successThreshold: 2 } }),
  pod('a probe of a named port out of range', {}, { livenessProbe: { httpGet: { port: 0 } } }),
  pod('a hostname that is none', { hostname: 'A_b' }),
  pod('a DNS policy that is none', { dnsPolicy: 'Sometimes' }),
  pod('DNS of its own without servers', { dnsPolicy: 'None' }),
  pod('a toleration of nothing', { tolerations: [{ operator: 'Sometimes' }] }),
  pod('a toleration of everything', { tolerations: [{ operator: 'Exists' }] }),
  pod('a node selector', { nodeSelector: { 'a b': 'c' } }),
  pod('a security context', { securityContext: { runAsUser: -1 } }),
  pod('a deadline of nothing', { activeDeadlineSeconds: 0 }),
  pod('a grace that is negative', { terminationGracePeriodSeconds: -1 }),
  pod('an unknown account', { serviceAccountName: 'nobody' }),
  pod('an unknown priority class', { priorityClassName: 'nothing' }),
  pod('a priority of its own', { priority: 5 }),
  pod('host ports', { hostNetwork: true }, { ports: [{ containerPort: 80 }] }),
  pod('an ephemeral container', { ephemeralContainers: [CONTAINER] }),
  pod('an init container with a probe', {
    initContainers: [{ ...CONTAINER, name: 'i', livenessProbe: { exec: { command: ['a'] } } }],
  }),
  pod('an affinity of nothing', {
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } },
  }),
  pod('a spread of nothing', { topologySpreadConstraints: [{}] }),
  pod('readiness gates', { readinessGates: [{ conditionType: 'a b' }] }),
  pod('a pull secret', { imagePullSecrets: [{ name: 's' }] }),
  pod('aliases of hosts', { hostAliases: [{ ip: 'x', hostnames: ['A_b'] }] }),
  pod('an overhead', { overhead: { cpu: '1' } }),
  pod('a runtime class', { runtimeClassName: 'x' }),
  pod('an operating system', { os: { name: 'plan9' } }),
  pod('a lifecycle of nothing', {}, { lifecycle: { preStop: {} } }),
];

function wrong(kind: Parameters<typeof create>[0], what: string, fields: object): AnswerCase {
  return { name: `${kind}: ${what}`, ask: create(kind, fields) };
}

const WORK = { selector: SELECTOR, template: TEMPLATE };

const workloads: readonly AnswerCase[] = [
  wrong('deployment', 'no spec', {}),
  wrong('deployment', 'no selector', { spec: { template: TEMPLATE } }),
  wrong('deployment', 'a selector of others', { spec: { selector: { matchLabels: { a: 'b' } }, template: TEMPLATE } }),
  wrong('deployment', 'an empty selector', { spec: { selector: {}, template: TEMPLATE } }),
  wrong('deployment', 'negative replicas', { spec: { ...WORK, replicas: -1 } }),
  wrong('deployment', 'replicas that are a text', { spec: { ...WORK, replicas: 'two' } }),
  wrong('deployment', 'a strategy that is none', { spec: { ...WORK, strategy: { type: 'Never' } } }),
  wrong('deployment', 'a strategy that cannot move', {
    spec: { ...WORK, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
  }),
  wrong('deployment', 'a share that is none', { spec: { ...WORK, strategy: { rollingUpdate: { maxSurge: 'x' } } } }),
  wrong('deployment', 'a deadline within the minimum', { spec: { ...WORK, minReadySeconds: 700 } }),
  wrong('deployment', 'Pods that end', {
    spec: { ...WORK, template: { ...TEMPLATE, spec: { containers: [CONTAINER], restartPolicy: 'Never' } } },
  }),
  wrong('replicaSet', 'no spec', {}),
  wrong('statefulSet', 'no spec', {}),
  wrong('statefulSet', 'a policy that is none', {
    spec: { ...WORK, podManagementPolicy: 'x', updateStrategy: { type: 'y' } },
  }),
  wrong('daemonSet', 'no spec', {}),
  wrong('replicationController', 'no spec', {}),
  wrong('job', 'no spec', {}),
  wrong('job', 'Pods that never end', { spec: { template: { spec: { containers: [CONTAINER] } } } }),
  wrong('job', 'negative numbers', {
    spec: {
      completions: -1,
      parallelism: -1,
      backoffLimit: -1,
      template: { spec: { containers: [CONTAINER], restartPolicy: 'Never' } },
    },
  }),
  wrong('cronJob', 'no spec', {}),
  wrong('cronJob', 'a schedule that is none', {
    spec: {
      schedule: 'x',
      jobTemplate: { spec: { template: { spec: { containers: [CONTAINER], restartPolicy: 'Never' } } } },
    },
  }),
  wrong('cronJob', 'an unknown zone', {
    spec: {
      schedule: '* * * * *',
      timeZone: 'Nowhere',
      jobTemplate: { spec: { template: { spec: { containers: [CONTAINER], restartPolicy: 'Never' } } } },
    },
  }),
];

const others: readonly AnswerCase[] = [
  wrong('configMap', 'a bad key', { data: { 'a b': 'c' } }),
  wrong('configMap', 'the same key twice', { data: { a: 'c' }, binaryData: { a: 'aGk=' } }),
  wrong('secret', 'a bad key', { stringData: { 'a b': 'c' } }),
  wrong('secret', 'TLS without a key', { type: 'kubernetes.io/tls' }),
  wrong('secret', 'a docker config that is none', {
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': '{' },
  }),
  wrong('secret', 'basic auth without anything', { type: 'kubernetes.io/basic-auth' }),
  wrong('secret', 'an account token of nobody', { type: 'kubernetes.io/service-account-token' }),
  wrong('persistentVolume', 'no spec', {}),
  wrong('persistentVolumeClaim', 'no spec', {}),
  wrong('limitRange', 'of nothing', { spec: { limits: [{}] } }),
  wrong('limitRange', 'a minimum over the maximum', {
    spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] },
  }),
  wrong('limitRange', 'a default for Pods', { spec: { limits: [{ type: 'Pod', default: { cpu: '2' } }] } }),
  wrong('resourceQuota', 'an unknown resource', { spec: { hard: { foo: '2' } } }),
  wrong('resourceQuota', 'an unknown scope', { spec: { hard: { pods: '2' }, scopes: ['Nope'] } }),
  wrong('resourceQuota', 'a scope that does not fit', { spec: { hard: { services: '2' }, scopes: ['BestEffort'] } }),
  wrong('resourceQuota', 'a fraction of a Pod', { spec: { hard: { pods: '1500m' } } }),
  wrong('ingress', 'of nothing', {}),
  wrong('ingress', 'a path that is none', {
    spec: { rules: [{ http: { paths: [{ path: 'x', backend: { service: { name: 's', port: { number: 80 } } } }] } }] },
  }),
  wrong('ingress', 'a backend of nothing', { spec: { defaultBackend: {} } }),
  wrong('ingress', 'a host that is none', { spec: { rules: [{ host: '1.2.3.4' }] } }),
  wrong('ingressClass', 'no controller', { spec: {} }),
  wrong('networkPolicy', 'a block that is none', {
    spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'x' } }] }] },
  }),
  wrong('networkPolicy', 'a port that is none', {
    spec: { podSelector: {}, ingress: [{ ports: [{ port: 70_000 }] }] },
  }),
  wrong('networkPolicy', 'a type that is none', { spec: { podSelector: {}, policyTypes: ['Sideways'] } }),
  wrong('lease', 'a negative duration', { spec: { leaseDurationSeconds: -1 } }),
  wrong('budget', 'both', { spec: { minAvailable: 1, maxUnavailable: 1, selector: SELECTOR } }),
  wrong('budget', 'a share that is none', { spec: { minAvailable: '150%', selector: SELECTOR } }),
  wrong('storageClass', 'no provisioner', {}),
  wrong('storageClass', 'a mode that is none', { provisioner: 'a', volumeBindingMode: 'x' }),
  wrong('priorityClass', 'too high', { value: 2_000_000_000 }),
  wrong('priorityClass', 'a reserved name', { metadata: { name: 'system-x' }, value: 1 }),
  wrong('autoscaler', 'no spec', {}),
  wrong('autoscaler', 'fewer at most than at least', {
    spec: { scaleTargetRef: { kind: 'D', name: 'd' }, minReplicas: 5, maxReplicas: 3 },
  }),
  wrong('role', 'a rule of nothing', { rules: [{}] }),
  wrong('clusterRole', 'paths and resources', {
    rules: [{ verbs: ['get'], resources: ['pods'], apiGroups: [''], nonResourceURLs: ['/x'] }],
  }),
  wrong('roleBinding', 'no role', {}),
  wrong('roleBinding', 'a subject that is none', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
    subjects: [{ kind: 'Cat', name: 'c' }],
  }),
  wrong('event', 'of another namespace', { involvedObject: { namespace: 'other' } }),
  wrong('eventV1', 'of nothing', {}),
  wrong('node', 'a taint that is none', { spec: { taints: [{ key: 'a b', effect: 'x' }] } }),
  wrong('serviceAccount', 'with secrets', {
    secrets: [{ name: 's' }],
    automountServiceAccountToken: false,
    metadata: { labels: LABELS },
  }),
];

export const bodyCases: readonly AnswerCase[] = [
  ...texts,
  ...pods,
  ...workloads,
  ...others,
  { name: 'body: too large for a map', ask: create('configMap', { data: { a: 'x'.repeat(1024 * 1024 + 1) } }) },
];

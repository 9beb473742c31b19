import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { pod as kind } from '../kinds/pod.ts';

function make(spec: Partial<t.PodSpec>, status: t.PodStatus = {}): t.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: spec as t.PodSpec,
    status,
  };
}

const WEB: t.Container = { name: 'web', image: 'host' };

test('pod defaults are those of a plain Pod', () => {
  const spec = {
    containers: [{ ...WEB, ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } } }],
    volumes: [{ name: 'a' }, { name: 'b', configMap: { name: 'c' } }],
  };
  const made = kind.prepareCreate(kind.defaults(make(spec)));
  assert.deepEqual(JSON.parse(JSON.stringify(made.spec)), {
    containers: [
      {
        name: 'web',
        image: 'host',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        readinessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'Always',
      },
    ],
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', configMap: { name: 'c', defaultMode: 420 } },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
  });
  assert.deepEqual(made.status, { phase: 'Pending', qosClass: 'BestEffort' });
  assert.equal(made.metadata.generation, 1);
});

const policies: readonly (readonly [string, string])[] = [
  ['host', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['localhost:5000/nginx', 'Always'],
  ['localhost:5000/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:abc', 'IfNotPresent'],
];

for (const [image, policy] of policies) {
  test(`the pull policy of ${image} is ${policy}`, () => {
    const made = kind.defaults(make({ containers: [{ name: 'a', image }] }));
    assert.equal(made.spec.containers[0]?.imagePullPolicy, policy);
  });
}

test('the class of a Pod follows from its requests and limits', () => {
  const classOf = (resources: t.ResourceRequirements): string | undefined =>
    kind.prepareCreate(kind.defaults(make({ containers: [{ ...WEB, resources }] }))).status.qosClass;
  assert.equal(classOf({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
  assert.equal(classOf({ limits: { cpu: '1' } }), 'Burstable');
  assert.equal(classOf({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }), 'Burstable');
  assert.equal(classOf({}), 'BestEffort');
});

const invalid: readonly (readonly [string, Partial<t.PodSpec>, readonly string[]])[] = [
  ['no containers', {}, ['spec.containers: Required value']],
  ['a container without image', { containers: [{ name: 'a' }] }, ['spec.containers[0].image: Required value']],
  [
    'an image with a blank',
    { containers: [{ name: 'a', image: ' host' }] },
    ['spec.containers[0].image: Invalid value: " host": must not have leading or trailing whitespace'],
  ],
  ['a name twice', { containers: [WEB, WEB] }, ['spec.containers[1].name: Duplicate value: "web"']],
  [
    'an init container of the same name',
    { containers: [WEB], initContainers: [WEB] },
    ['spec.initContainers[0].name: Duplicate value: "web"'],
  ],
  [
    'ports that cannot be',
    {
      containers: [
        { ...WEB, ports: [{ containerPort: 0 }, { containerPort: 70000, name: 'a' }, { containerPort: 1, name: 'a' }] },
      ],
    },
    [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[2].name: Duplicate value: "a"',
    ],
  ],
  [
    'policies that do not exist',
    { containers: [{ ...WEB, imagePullPolicy: 'Sometimes' }], restartPolicy: 'Maybe', dnsPolicy: 'Host' },
    [
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
      'spec.dnsPolicy: Unsupported value: "Host": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
  ],
  [
    'search paths with underscores, the root, and names that are none',
    {
      containers: [WEB],
      dnsConfig: { searches: ['.', '_sip._tcp.abc_d.example.com.', 'a_', 'A'], options: [{ value: '1' }] },
    },
    [
      ...['a_', 'A'].map(
        (name, i) =>
          `spec.dnsConfig.searches[${i + 2}]: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case ` +
          "alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', " +
          "regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
      ),
      'spec.dnsConfig.options[0]: Required value: must not be empty',
    ],
  ],
  [
    'more search paths than a resolver takes',
    { containers: [WEB], dnsConfig: { searches: Array.from({ length: 33 }, () => 'a'.repeat(63)) } },
    [
      `spec.dnsConfig.searches: Invalid value: ${JSON.stringify(Array.from({ length: 33 }, () => 'a'.repeat(63)))}: must not have more than 32 search paths`,
      `spec.dnsConfig.searches: Invalid value: ${JSON.stringify(Array.from({ length: 33 }, () => 'a'.repeat(63)))}: must not have more than 2048 characters (including spaces) in the search list`,
    ],
  ],
  [
    'a mount without a volume',
    {
      containers: [
        {
          ...WEB,
          volumeMounts: [
            { name: 'a', mountPath: '/a' },
            { name: 'b', mountPath: '/a' },
          ],
        },
      ],
      volumes: [{ name: 'b' }],
    },
    [
      'spec.containers[0].volumeMounts[0].name: Not found: "a"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ],
  ],
  [
    'a volume of two kinds',
    { containers: [WEB], volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/a' } }] },
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'files that would lie outside of their volume, or nowhere',
    {
      containers: [WEB],
      volumes: [
        {
          name: 'a',
          configMap: {
            name: 'c',
            defaultMode: 512,
            items: [
              { key: 'k', path: '../../etc/x' },
              { key: '', path: '/abs' },
            ],
          },
        },
        { name: 'b', secret: { secretName: 's', items: [{ key: 'k', path: '..data', mode: -1 }] } },
        {
          name: 'd',
          downwardAPI: { items: [{ path: 'a/../b', fieldRef: { fieldPath: 'metadata.name' } }, { path: 'n' }] },
        },
        { name: 'e', persistentVolumeClaim: { claimName: '' } },
        { name: 'f', hostPath: { path: '/a/../b', type: 'Folder' } },
        { name: 'g', emptyDir: { sizeLimit: '-1' } },
        {
          name: 'h',
          projected: {
            sources: [
              { serviceAccountToken: { path: '../t', expirationSeconds: 60 } },
              { configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
              { secret: { name: 's', items: [{ key: 'k', path: 'p' }] } },
            ],
          },
        },
      ],
    },
    [
      'spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
      'spec.volumes[0].configMap.items[0].path: Invalid value: "../../etc/x": must not contain \'..\'',
      'spec.volumes[0].configMap.items[1].key: Required value',
      'spec.volumes[0].configMap.items[1].path: Invalid value: "/abs": must be a relative path',
      'spec.volumes[1].secret.items[0].path: Invalid value: "..data": must not start with \'..\'',
      'spec.volumes[1].secret.items[0].mode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive',
      'spec.volumes[2].downwardAPI.path: Invalid value: "a/../b": must not contain \'..\'',
      'spec.volumes[2].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required',
      'spec.volumes[3].persistentVolumeClaim.claimName: Required value',
      'spec.volumes[4].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.volumes[4].hostPath.type: Unsupported value: "Folder": supported values: "", "BlockDevice", "CharDevice", "Directory", ' +
        '"DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
      'spec.volumes[5].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity',
      'spec.volumes[6].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
      'spec.volumes[6].projected.path: Invalid value: "../t": must not contain \'..\'',
      'spec.volumes[6].projected: Invalid value: "s": conflicting duplicate paths',
    ],
  ],
  [
    'sysctls that no kernel has, and one twice',
    {
      containers: [WEB],
      securityContext: {
        sysctls: ['foo-', 'kernel.shmmax', 'net/ipv4/x_y', 'bar..', '', 'kernel.shmmax'].map((name) => ({
          name,
          value: '1',
        })),
      },
    },
    [
      'spec.securityContext.sysctls[0].name: Invalid value: "foo-": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      'spec.securityContext.sysctls[3].name: Invalid value: "bar..": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      'spec.securityContext.sysctls[4].name: Required value',
      'spec.securityContext.sysctls[5].name: Duplicate value: "kernel.shmmax"',
    ],
  ],
  [
    'host network with other host ports',
    { hostNetwork: true, containers: [{ ...WEB, ports: [{ containerPort: 80, hostPort: 81 }] }] },
    ['spec.containers[0].ports[0].containerPort: Invalid value: 80: must match `hostPort` when `hostNetwork` is true'],
  ],
  [
    'an environment without name or source',
    { containers: [{ ...WEB, env: [{ name: '' }, { name: 'A', valueFrom: {} }] }] },
    [
      'spec.containers[0].env[0].name: Required value',
      'spec.containers[0].env[1].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    ],
  ],
];

for (const [name, spec, errors] of invalid) {
  test(`pod validation: ${name}`, () => {
    assert.deepEqual(kind.validateCreate(kind.defaults(make(spec))).map(fieldErrorText), errors);
  });
}

const ONLY =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const updates: readonly (readonly [string, Partial<t.PodSpec>, readonly string[]])[] = [
  ['an image', { containers: [{ ...WEB, image: 'other', imagePullPolicy: 'Always' }] }, []],
  ['another toleration', { containers: [WEB], tolerations: [{ key: 'a', operator: 'Exists' }] }, []],
  ['a deadline', { containers: [WEB], activeDeadlineSeconds: 5 }, []],
  [
    'a command and the node',
    { containers: [{ ...WEB, command: ['a'] }], nodeName: 'n1' },
    [
      `${ONLY}\n- containers: [{"name":"web","image":"host","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}]\n+ containers: [{"name":"web","image":"host","command":["a"],"resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}]\n- nodeName: undefined\n+ nodeName: "n1"\n`,
    ],
  ],
  [
    'one container more',
    { containers: [WEB, { ...WEB, name: 'b' }] },
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  ],
];

for (const [name, spec, errors] of updates) {
  test(`pod update of ${name}`, () => {
    const old = kind.prepareCreate(kind.defaults(make({ containers: [WEB] })));
    const next = kind.prepareUpdate(kind.defaults(make(spec)), old);
    assert.deepEqual(kind.validateUpdate(next, old).map(fieldErrorText), errors);
  });
}

test('of a toleration that is there only its time may change', () => {
  const at = (effect: string, tolerationSeconds: number): t.Pod =>
    make({ containers: [WEB], tolerations: [{ key: 'a', operator: 'Exists', effect, tolerationSeconds }] });
  const old = kind.prepareCreate(kind.defaults(at('NoExecute', 300)));
  const errors = (pod: t.Pod): readonly string[] =>
    kind.validateUpdate(kind.prepareUpdate(kind.defaults(pod), old), old).map(fieldErrorText);
  assert.deepEqual(errors(at('NoExecute', 10)), []);
  assert.equal(
    errors(at('NoSchedule', 300))[0],
    'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
  );
});

test('a Pod without a node, or one that ended, is deleted at once', () => {
  const { deletion } = kind;
  assert.equal(deletion.kind, 'graceful');
  const grace = (spec: Partial<t.PodSpec>, phase: string, requested?: number): number =>
    deletion.kind === 'graceful' ? deletion.graceSeconds(make(spec, { phase }), requested) : -1;
  const spec = { nodeName: 'n1', terminationGracePeriodSeconds: 5 };
  assert.deepEqual(
    [
      grace({}, 'Pending'),
      grace(spec, 'Running'),
      grace(spec, 'Running', 0),
      grace(spec, 'Running', -1),
      grace(spec, 'Failed'),
    ],
    [0, 5, 0, 1, 0],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, Service } from '#api/generated/types.ts';
import { containerArgv, containerEnv, envReferences } from './container-env.ts';
import type { PodFacts } from './field-value.ts';
import { serviceEnv } from './service-env.ts';

const facts: PodFacts = {
  nodeName: 'node-1',
  hostIps: ['172.18.0.2'],
  podIps: ['10.244.0.2'],
  allocatable: { cpu: '2', memory: '4Gi' },
};

const pod = {
  metadata: { name: 'web', namespace: 'ns', uid: 'u-1', labels: { b: '2', a: '1' }, annotations: { 'x/y': 'z' } },
  spec: { serviceAccountName: 'sa', containers: [{ name: 'c' }] },
} as unknown as Pod;

const sources = {
  configMaps: new Map([['cm', { metadata: { name: 'cm', namespace: 'ns' }, data: { k: 'v', l: 'w' } } as never]]),
  secrets: new Map([['s', { metadata: { name: 's', namespace: 'ns' }, data: { p: 'cHc=' } } as never]]),
};

function env(container: Partial<Container>): string {
  const spec = {
    pod,
    container: { name: 'c', ...container },
    facts,
    sources,
    serviceEnv: { SVC: 's' },
    imageEnv: { PATH: '/bin' },
  };
  return Object.entries(containerEnv(spec))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

const from = (fieldPath: string): Partial<Container> => ({
  env: [{ name: 'V', valueFrom: { fieldRef: { fieldPath } } }],
});
const resource = (name: string, more: object = {}): Partial<Container> => ({
  env: [{ name: 'V', valueFrom: { resourceFieldRef: { resource: name, ...more } } }],
});

const cases: readonly { name: string; container: Partial<Container>; text: string }[] = [
  { name: 'nothing', container: {}, text: '' },
  { name: 'a value', container: { env: [{ name: 'A', value: '1' }] }, text: 'A=1' },
  {
    name: 'values that refer to earlier ones and to Services',
    container: {
      env: [
        { name: 'A', value: '$(B)' },
        { name: 'B', value: '$(SVC)' },
        { name: 'C', value: '$(B)' },
      ],
    },
    text: 'A=$(B) B=s C=s',
  },
  { name: 'an override of the image', container: { env: [{ name: 'PATH', value: '/x' }] }, text: '' },
  { name: 'the name', container: from('metadata.name'), text: 'V=web' },
  { name: 'one label', container: from("metadata.labels['a']"), text: 'V=1' },
  { name: 'no label', container: from("metadata.labels['c']"), text: 'V=' },
  { name: 'all labels', container: from('metadata.labels'), text: 'V=a="1"\nb="2"' },
  { name: 'the node', container: from('spec.nodeName'), text: 'V=node-1' },
  { name: 'the addresses', container: from('status.podIPs'), text: 'V=10.244.0.2' },
  { name: 'the limit of CPU, from the node', container: resource('limits.cpu'), text: 'V=2' },
  {
    name: 'the limit of memory in Mi',
    container: { ...resource('limits.memory', { divisor: '1Mi' }), resources: { limits: { memory: '100000000' } } },
    text: 'V=96',
  },
  { name: 'no request', container: resource('requests.cpu'), text: 'V=0' },
  {
    name: 'everything of a ConfigMap and a Secret, prefixed, below own values',
    container: {
      envFrom: [{ prefix: 'M_', configMapRef: { name: 'cm' } }, { secretRef: { name: 's' } }],
      env: [{ name: 'M_l', value: 'own' }],
    },
    text: 'M_k=v M_l=own p=pw',
  },
  {
    name: 'single keys, and optional ones that are not there',
    container: {
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'p' } } },
        { name: 'C', valueFrom: { secretKeyRef: { name: 'none', key: 'p', optional: true } } },
      ],
      envFrom: [{ configMapRef: { name: 'none', optional: true } }],
    },
    text: 'A=v B=pw',
  },
];
for (const { name, container, text } of cases) {
  test(`containerEnv() with ${name}`, () => {
    const path = name === 'an override of the image' ? 'PATH=/x SVC=s' : 'PATH=/bin SVC=s';
    assert.equal(env(container), `${path} ${text}`.trim());
  });
}

const failures: readonly { name: string; container: Partial<Container>; message: string }[] = [
  {
    name: 'no ConfigMap',
    container: { envFrom: [{ configMapRef: { name: 'x' } }] },
    message: 'configmap "x" not found',
  },
  { name: 'no Secret', container: { envFrom: [{ secretRef: { name: 'x' } }] }, message: 'secret "x" not found' },
  {
    name: 'no key',
    container: { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'x' } } }] },
    message: "couldn't find key x in ConfigMap ns/cm",
  },
  { name: 'no field', container: from('spec.nonsense'), message: 'unsupported fieldPath: spec.nonsense' },
];
for (const { name, container, message } of failures) {
  test(`containerEnv() with ${name} fails`, () => {
    assert.throws(() => env(container), { code: 'CreateContainerConfigError', message });
  });
}

test('containerArgv() and envReferences() read the whole container', () => {
  const container: Container = {
    name: 'c',
    command: ['run', '$(A)'],
    args: ['$$(A)', '$(B)'],
    env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
    envFrom: [{ configMapRef: { name: 'cm' } }, { configMapRef: { name: 'cm' } }],
  };
  const image = { entrypoint: ['entry', '$(A)'], command: ['default'] };
  const { command: _, ...withArgs } = container;
  assert.deepEqual(
    [container, withArgs, { name: 'c' }].map((one) => containerArgv(one, { A: '1' }, image).join(' ')),
    ['run 1 $(A) $(B)', 'entry $(A) $(A) $(B)', 'entry $(A) default'],
  );
  assert.deepEqual(envReferences([container]), { configMaps: ['cm'], secrets: ['s'] });
});

const service = (namespace: string, name: string, clusterIP: string, ports: readonly object[]): Service =>
  ({ metadata: { namespace, name }, spec: { clusterIP, ports } }) as unknown as Service;

const all = [
  service('ns', 'api-svc', '10.96.1.1', [
    { name: 'web-ui', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ]),
  service('ns', 'headless', 'None', [{ port: 80 }]),
  service('other', 'hidden', '10.96.1.2', [{ port: 80 }]),
  service('default', 'kubernetes', '10.96.0.1', [{ port: 443 }]),
];
const lines = (namespace: string, serviceLinks: boolean): string =>
  Object.entries(serviceEnv(all, { namespace, serviceLinks }))
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const KUBERNETES = `KUBERNETES_SERVICE_HOST=10.96.0.1
KUBERNETES_SERVICE_PORT=443
KUBERNETES_PORT=tcp://10.96.0.1:443
KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443
KUBERNETES_PORT_443_TCP_PROTO=tcp
KUBERNETES_PORT_443_TCP_PORT=443
KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1
`;

test('serviceEnv() names the Services of the namespace and the API server', () => {
  assert.equal(
    lines('ns', true),
    `API_SVC_SERVICE_HOST=10.96.1.1
API_SVC_SERVICE_PORT=80
API_SVC_SERVICE_PORT_WEB_UI=80
API_SVC_SERVICE_PORT_DNS=53
API_SVC_PORT=tcp://10.96.1.1:80
API_SVC_PORT_80_TCP=tcp://10.96.1.1:80
API_SVC_PORT_80_TCP_PROTO=tcp
API_SVC_PORT_80_TCP_PORT=80
API_SVC_PORT_80_TCP_ADDR=10.96.1.1
API_SVC_PORT_53_UDP=udp://10.96.1.1:53
API_SVC_PORT_53_UDP_PROTO=udp
API_SVC_PORT_53_UDP_PORT=53
API_SVC_PORT_53_UDP_ADDR=10.96.1.1
${KUBERNETES}`,
  );
  assert.equal(lines('ns', false), KUBERNETES);
  assert.equal(lines('empty', true), KUBERNETES);
});

test('serviceEnv() follows the order of creation, and the older of two has a variable that both make', () => {
  const aged = (age: number, ...args: Parameters<typeof service>): Service => {
    const made = service(...args);
    return { ...made, metadata: { ...made.metadata, creationTimestamp: `2026-01-01T00:00:0${age}Z` } };
  };
  const services = [
    aged(3, 'ns', 'b', '10.96.1.3', [{ port: 80 }]),
    aged(1, 'ns', 'z', '10.96.1.1', [{ port: 80 }]),
    // Z_PORT_80_TCP_ADDR is Z's own already.
    aged(2, 'ns', 'z-port-80-tcp-addr', 'fd00::7', [{ port: 1 }]),
    aged(0, 'default', 'kubernetes', '10.96.0.1', [{ port: 443 }]),
    aged(4, 'ns', 'kubernetes', '10.96.1.4', [{ port: 443 }]),
  ];
  const env = serviceEnv(services, { namespace: 'ns', serviceLinks: true });
  assert.deepEqual(
    Object.entries(env).filter(([name]) => name.endsWith('_SERVICE_HOST')),
    [
      ['Z_SERVICE_HOST', '10.96.1.1'],
      ['Z_PORT_80_TCP_ADDR_SERVICE_HOST', 'fd00::7'],
      ['B_SERVICE_HOST', '10.96.1.3'],
      ['KUBERNETES_SERVICE_HOST', '10.96.1.4'],
    ],
  );
  assert.equal(env['Z_PORT_80_TCP_ADDR'], '10.96.1.1');
  assert.equal(env['Z_PORT_80_TCP_ADDR_PORT'], 'tcp://[fd00::7]:1');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Pod, Service } from '#api/generated/types.ts';
import { type EndpointSlicePlan, planEndpointSlices } from './endpoint-slice-plan.ts';

interface Input {
  readonly spec?: object | undefined;
  readonly metadata?: object | undefined;
  readonly pods?: readonly Pod[] | undefined;
  readonly slices?: readonly EndpointSlice[] | undefined;
  readonly triggerTime?: string | undefined;
}

function serviceOf({ spec, metadata }: Input): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'd', name: 's', uid: 'u1', labels: { app: 'web' }, ...metadata },
    spec: {
      clusterIP: '10.96.0.9',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      ...spec,
    },
  } as unknown as Service;
}

interface PodInput {
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly phase?: string;
  readonly deleted?: boolean;
  readonly spec?: object;
}

function pod(name: string, input: PodInput = {}): Pod {
  const { ips = ['10.0.0.1'], ready = true, phase = 'Running', deleted = false, spec = {} } = input;
  return {
    metadata: { namespace: 'd', name, uid: `uid-${name}`, ...(deleted ? { deletionTimestamp: 'T' } : {}) },
    spec: { nodeName: 'n1', containers: [], ...spec },
    status: {
      phase,
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as unknown as Pod;
}

function plan(input: Input): EndpointSlicePlan {
  const { hints: _, ...writes } = planEndpointSlices({
    service: serviceOf(input),
    pods: input.pods ?? [],
    slices: input.slices ?? [],
    zoneOf: (name) => (name === 'gone' ? undefined : { zone: name === 'n1' ? 'z1' : undefined }),
    triggerTime: input.triggerTime,
  });
  return writes;
}

/** What the server would have stored of the slices that a plan makes. */
function stored(input: Input): EndpointSlice[] {
  return plan(input).create.map(
    (slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `s-${i}`, uid: `slice-${i}` } }) as EndpointSlice,
  );
}

test('planEndpointSlices() makes a slice with all that upstream puts into it', () => {
  assert.deepEqual(plan({ pods: [pod('a')], triggerTime: '2026-01-01T00:00:00Z' }), {
    create: [
      {
        metadata: {
          generateName: 's-',
          namespace: 'd',
          labels: {
            app: 'web',
            'kubernetes.io/service-name': 's',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Service', name: 's', uid: 'u1', controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: 'IPv4',
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: 'Pod', namespace: 'd', name: 'a', uid: 'uid-a' },
            nodeName: 'n1',
            zone: 'z1',
          },
        ],
      },
    ],
    update: [],
    delete: [],
  });
});

/** Slices as text: `IPv4 http:8080/TCP [10.0.0.1 ready serving]`. */
function describe({ create, update, delete: removed }: ReturnType<typeof plan>): string[] {
  const text = ({ addressType, ports = [], endpoints = [] }: Partial<EndpointSlice>): string => {
    const portTexts = ports.map(({ name, port, protocol, appProtocol }) => {
      const extra = appProtocol === undefined ? '' : ` ${appProtocol}`;
      return `${name}:${port}/${protocol}${extra}`;
    });
    const endpointTexts = endpoints.map(({ addresses, conditions, hostname, hints }) =>
      [
        addresses.join('+'),
        ...Object.entries(conditions ?? {}).flatMap(([key, value]) => (value === true ? [key] : [])),
        ...(hostname === undefined ? [] : [`hostname=${hostname}`]),
        ...(hints?.forZones ?? []).map(({ name }) => `zone=${name}`),
        ...(hints?.forNodes ?? []).map(({ name }) => `node=${name}`),
      ].join(' '),
    );
    return `${addressType} ${portTexts.join()} [${endpointTexts.join(', ')}]`;
  };
  return [
    ...create.map((slice) => `create ${text(slice as Partial<EndpointSlice>)}`),
    ...update.map((slice) => `update ${slice.metadata.name} ${text(slice)}`),
    ...removed.map((slice) => `delete ${slice.metadata.name}`),
  ];
}

const named = { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'web' }] };
const container = (port: object): object => ({ name: 'c', ports: [port] });

const cases: readonly { readonly name: string; readonly input: Input; readonly writes: readonly string[] }[] = [
  {
    name: 'conditions of a Pod that is not ready',
    input: { pods: [pod('a', { ready: false })] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1]'],
  },
  {
    name: 'conditions of a Pod that terminates and still serves',
    input: { pods: [pod('a', { deleted: true })] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 serving terminating]'],
  },
  {
    name: 'ready for all where not-ready addresses are published',
    input: { spec: { publishNotReadyAddresses: true }, pods: [pod('a', { ready: false, deleted: true })] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready terminating]'],
  },
  {
    name: 'nothing of Pods that are finished or have no address: the placeholder',
    input: { pods: [pod('a', { phase: 'Succeeded' }), pod('b', { phase: 'Failed' }), pod('c', { ips: [] })] },
    writes: ['create IPv4  []'],
  },
  {
    name: 'nothing of a Pod on a node that is gone',
    input: { pods: [pod('a', { spec: { nodeName: 'gone' } })] },
    writes: ['create IPv4  []'],
  },
  {
    name: 'a Pod on a node that is gone where not-ready addresses are published',
    input: { spec: { publishNotReadyAddresses: true }, pods: [pod('a', { spec: { nodeName: 'gone' } })] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving]'],
  },
  {
    name: 'one set of slices for each family',
    input: { spec: { ipFamilies: ['IPv4', 'IPv6'] }, pods: [pod('a', { ips: ['10.0.0.1', 'fd00::1'] })] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving]', 'create IPv6 http:8080/TCP [fd00::1 ready serving]'],
  },
  {
    name: 'a hostname where the Pod asks for one below this Service',
    input: {
      pods: [
        pod('a', { spec: { hostname: 'h', subdomain: 's' } }),
        pod('b', { ips: ['10.0.0.2'], spec: { hostname: 'h', subdomain: 'other' } }),
      ],
    },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving hostname=h, 10.0.0.2 ready serving]'],
  },
  {
    name: 'slices of their own for Pods that mean different numbers by a name',
    input: {
      spec: named,
      pods: [
        pod('a', { spec: { containers: [container({ name: 'web', containerPort: 80 })] } }),
        pod('b', {
          ips: ['10.0.0.2'],
          spec: { containers: [container({ name: 'web', containerPort: 81, protocol: 'TCP' })] },
        }),
        pod('c', {
          ips: ['10.0.0.3'],
          spec: { containers: [container({ name: 'web', containerPort: 82, protocol: 'UDP' })] },
        }),
      ],
    },
    writes: [
      'create IPv4 http:80/TCP [10.0.0.1 ready serving]',
      'create IPv4 http:81/TCP [10.0.0.2 ready serving]',
      'create IPv4  [10.0.0.3 ready serving]',
    ],
  },
  {
    name: 'a named port of a sidecar, but not of an init container',
    input: {
      spec: named,
      pods: [
        pod('a', {
          spec: {
            containers: [],
            initContainers: [{ ...container({ name: 'web', containerPort: 90 }), restartPolicy: 'Always' }],
          },
        }),
        pod('b', {
          ips: ['10.0.0.2'],
          spec: { containers: [], initContainers: [container({ name: 'web', containerPort: 91 })] },
        }),
      ],
    },
    writes: ['create IPv4 http:90/TCP [10.0.0.1 ready serving]', 'create IPv4  [10.0.0.2 ready serving]'],
  },
  {
    name: 'no ports for a headless Service without ports',
    input: { spec: { clusterIP: 'None', ports: [] }, pods: [pod('a')] },
    writes: ['create IPv4  [10.0.0.1 ready serving]'],
  },
  {
    name: 'the application protocol, and the port where there is no target port',
    input: { spec: { ports: [{ port: 80, protocol: 'TCP', appProtocol: 'h2c' }] }, pods: [pod('a')] },
    writes: ['create IPv4 :80/TCP h2c [10.0.0.1 ready serving]'],
  },
  {
    name: 'hints to the own zone, for endpoints in use',
    input: {
      spec: { trafficDistribution: 'PreferClose' },
      pods: [pod('a'), pod('b', { ips: ['10.0.0.2'], ready: false })],
    },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving zone=z1, 10.0.0.2]'],
  },
  {
    name: 'hints to the own node',
    input: { spec: { trafficDistribution: 'PreferSameNode' }, pods: [pod('a')] },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving zone=z1 node=n1]'],
  },
  { name: 'no write for the same Pods', input: { pods: [pod('a')], slices: stored({ pods: [pod('a')] }) }, writes: [] },
  { name: 'no write for a placeholder that is there', input: { slices: stored({}) }, writes: [] },
  {
    name: 'the placeholder turned into the first slice',
    input: { pods: [pod('a')], slices: stored({}) },
    writes: ['update s-0 IPv4 http:8080/TCP [10.0.0.1 ready serving]'],
  },
  {
    name: 'the last slice turned into the placeholder',
    input: { slices: stored({ pods: [pod('a')] }) },
    writes: ['update s-0 IPv4  []'],
  },
  {
    name: 'new ports under the old name of the slice',
    input: {
      spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 9090 }] },
      pods: [pod('a')],
      slices: stored({ pods: [pod('a')] }),
    },
    writes: ['update s-0 IPv4 http:9090/TCP [10.0.0.1 ready serving]'],
  },
  {
    name: 'hints taken away with the field',
    input: {
      pods: [pod('a')],
      slices: stored({ spec: { trafficDistribution: 'PreferClose' }, pods: [pod('a')] }),
    },
    writes: ['update s-0 IPv4 http:8080/TCP [10.0.0.1 ready serving]'],
  },
  {
    name: 'new labels of the Service',
    input: { metadata: { labels: { app: 'x' } }, pods: [pod('a')], slices: stored({ pods: [pod('a')] }) },
    writes: ['update s-0 IPv4 http:8080/TCP [10.0.0.1 ready serving]'],
  },
  {
    name: 'slices of a family that the Service no longer has deleted',
    input: {
      pods: [pod('a', { ips: ['10.0.0.1', 'fd00::1'] })],
      slices: stored({ spec: { ipFamilies: ['IPv4', 'IPv6'] }, pods: [pod('a', { ips: ['10.0.0.1', 'fd00::1'] })] }),
    },
    writes: ['delete s-1'],
  },
  {
    name: 'slices of an earlier Service of the same name deleted',
    input: { metadata: { uid: 'u2' }, pods: [pod('a')], slices: stored({ pods: [pod('a')] }) },
    writes: ['create IPv4 http:8080/TCP [10.0.0.1 ready serving]', 'delete s-0'],
  },
  {
    name: 'no new slice for a Service that is being deleted',
    input: { metadata: { deletionTimestamp: 'T' }, pods: [pod('a')] },
    writes: [],
  },
];

for (const c of cases) {
  test(`planEndpointSlices() gives ${c.name}`, () => {
    assert.deepEqual(describe(plan(c.input)), c.writes);
  });
}

const labels = [
  {
    name: 'a ClusterIP Service',
    input: { metadata: { labels: { 'service.kubernetes.io/headless': 'x' } } },
    headless: undefined,
  },
  { name: 'a headless Service', input: { spec: { clusterIP: 'None' } }, headless: '' },
];

for (const c of labels) {
  test(`the headless label of ${c.name} is ${c.headless}`, () => {
    const [slice] = plan(c.input).create;
    assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], c.headless);
  });
}

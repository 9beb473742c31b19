import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Endpoints, EndpointSlice } from '#api/generated/types.ts';
import { endpoints, endpointSlices, services } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startEndpointMirrorController } from './endpoint-mirror.ts';

const REF = { namespace: 'd', name: 'db' };

async function started(spec: object = {}): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.start(startEndpointMirrorController);
  await plane.client.create(services, {
    metadata: REF,
    spec: { ports: [{ port: 80 }], ...spec },
  });
  return plane;
}

async function write(plane: ControlPlane, subsets: unknown, metadata: object = {}): Promise<void> {
  await plane.client.create(endpoints, { metadata: { ...REF, ...metadata }, subsets } as unknown as Endpoints);
  await plane.rest();
}

function slices(plane: ControlPlane): string[] {
  return plane.api
    .all<EndpointSlice>('endpointslices')
    .map(({ addressType, ports = [], endpoints: list = [] }) => {
      const text = list.map(({ addresses, conditions }) => `${addresses[0]}${conditions?.ready === true ? '' : '!'}`);
      return `${addressType} ${ports.map(({ port }) => port).join()} ${text.length > 9 ? text.length : text.join(' ')}`;
    })
    .sort();
}

const many = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ ip: `10.1.${Math.floor(i / 250)}.${(i % 250) + 1}` }));

const cases: readonly {
  name: string;
  spec?: object;
  metadata?: object;
  subsets?: unknown;
  is: string[];
  events?: string[];
}[] = [
  {
    name: 'a slice for each family and list of ports',
    subsets: [
      {
        addresses: [{ ip: '10.1.0.1' }, { ip: 'fd00::1' }],
        notReadyAddresses: [{ ip: '10.1.0.2' }],
        ports: [{ port: 80 }],
      },
      { addresses: [{ ip: '10.1.0.3' }], ports: [{ port: 80 }] },
      { addresses: [{ ip: '10.1.0.4' }], ports: [{ port: 81 }] },
    ],
    is: ['IPv4 80 10.1.0.1 10.1.0.3 10.1.0.2!', 'IPv4 81 10.1.0.4', 'IPv6 80 fd00::1'],
  },
  {
    name: 'one endpoint of an address that is listed twice',
    subsets: [{ addresses: [{ ip: '10.1.0.1' }, { ip: '10.1.0.1' }], notReadyAddresses: [{ ip: '10.1.0.1' }] }],
    is: ['IPv4  10.1.0.1!'],
  },
  {
    name: 'one slice of the ports that the same addresses have, wherever they stand',
    subsets: [
      { addresses: [{ ip: '10.1.0.1' }], ports: [{ name: 'a', port: 80 }] },
      { addresses: [{ ip: '10.1.0.1' }], ports: [{ name: 'b', port: 81 }] },
    ],
    is: ['IPv4 80,81 10.1.0.1'],
  },
  {
    name: 'plain addresses of those written otherwise, and none of what is no address',
    subsets: [{ addresses: [{ ip: '010.001.0.01' }, { ip: '::ffff:10.1.0.2' }, { ip: 'none' }] }],
    is: ['IPv4  10.1.0.1 10.1.0.2'],
    events: ['InvalidIPAddress: Skipped 1 invalid IP addresses when mirroring to EndpointSlices'],
  },
  {
    name: 'slices where the selector is empty, which is none',
    spec: { selector: {} },
    subsets: [{ addresses: many(1) }],
    is: ['IPv4  10.1.0.1'],
  },
  { name: 'no slice without addresses', subsets: [], is: [] },
  {
    name: 'no slice of a Service that selects',
    spec: { selector: { app: 'db' } },
    subsets: [{ addresses: many(1) }],
    is: [],
  },
  {
    name: 'no slice where the label forbids it',
    metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: many(1) }],
    is: [],
  },
  {
    name: 'no slice of a lock',
    metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } },
    subsets: [{ addresses: many(1) }],
    is: [],
  },
  {
    name: 'a thousand addresses and no more, and says so',
    subsets: [{ addresses: many(1003) }],
    is: ['IPv4  1000'],
    events: [
      'TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped',
    ],
  },
];

for (const { name, spec, metadata, subsets, is, events = [] } of cases) {
  test(`mirroring makes ${name}`, async () => {
    await using plane = await started(spec);
    await write(plane, subsets, metadata);
    assert.deepEqual(slices(plane), is);
    const told = plane.api.all<CoreEvent>('events').map(({ reason, message }) => `${reason}: ${message}`);
    assert.deepEqual(told.sort(), events);
  });
}

test('a mirrored slice has the labels and annotations of its Endpoints, and goes with the Service', async () => {
  await using plane = await started();
  const annotations = { a: 'b', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const address = { ip: '10.1.0.1', hostname: 'h', nodeName: 'n', targetRef: { kind: 'Pod', name: 'p' } };
  await write(plane, [{ addresses: [address], ports: [{ port: 80 }] }], { labels: { x: 'y' }, annotations });
  const [slice] = plane.api.all<EndpointSlice>('endpointslices');
  assert.deepEqual(
    [slice?.metadata.generateName, slice?.metadata.labels, slice?.metadata.annotations, slice?.endpoints, slice?.ports],
    [
      'db-',
      {
        x: 'y',
        'kubernetes.io/service-name': 'db',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      { a: 'b' },
      [
        {
          addresses: ['10.1.0.1'],
          conditions: { ready: true },
          hostname: 'h',
          nodeName: 'n',
          targetRef: { kind: 'Pod', name: 'p' },
        },
      ],
      [{ name: '', port: 80, protocol: 'TCP' }],
    ],
  );
  assert.deepEqual(
    slice?.metadata.ownerReferences?.map(({ kind, name, controller }) => `${kind} ${name} ${controller}`),
    ['Endpoints db true'],
  );
  await plane.client.delete(services, REF);
  await plane.rest();
  assert.deepEqual(slices(plane), []);
});

test('a mirrored slice changes hands when its Endpoints are made anew, and is replaced when it is taken away', async () => {
  await using plane = await started();
  await write(plane, [{ addresses: many(1) }]);
  const [slice] = plane.api.all<EndpointSlice>('endpointslices');
  const old = { kind: 'Endpoints', name: 'db', uid: 'gone', apiVersion: 'v1', controller: true };
  const body = { metadata: { ownerReferences: [old] } };
  await plane.client.patch(endpointSlices, slice?.metadata ?? REF, { kind: 'merge', body });
  await plane.rest();
  const { uid } = (await plane.client.get(endpoints, REF)).metadata;
  const owners = (): (string | undefined)[] =>
    plane.api.all<EndpointSlice>('endpointslices').map(({ metadata }) => metadata.ownerReferences?.[0]?.uid);
  assert.deepEqual(owners(), [uid]);
  const labels = { 'endpointslice.kubernetes.io/managed-by': 'me' };
  await plane.client.patch(endpointSlices, slice?.metadata ?? REF, { kind: 'merge', body: { metadata: { labels } } });
  await plane.rest();
  assert.deepEqual(slices(plane), ['IPv4  10.1.0.1', 'IPv4  10.1.0.1']);
});

test('mirroring writes one slice for one change, none for none, and repairs what others spoil', async () => {
  await using plane = await started();
  await write(plane, [{ addresses: many(250) }, { addresses: many(2), ports: [{ port: 80 }] }]);
  plane.api.writes.length = 0;
  const current = await plane.client.get(endpoints, REF);
  await plane.client.update(endpoints, {
    ...current,
    subsets: [{ addresses: many(250).slice(1) }, { addresses: many(2), ports: [{ port: 80 }] }],
  } as Endpoints);
  await plane.rest();
  assert.equal(plane.api.writes.filter((write) => write.includes('endpointslices')).length, 1);
  const [slice] = plane.api.all<EndpointSlice>('endpointslices');
  await plane.client.delete(endpointSlices, slice?.metadata ?? REF);
  await plane.rest();
  const counts = plane.api.all<EndpointSlice>('endpointslices').map(({ endpoints: list = [] }) => list.length);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    251,
  );
});

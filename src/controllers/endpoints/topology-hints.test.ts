import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CoreEvent, Endpoint, EndpointSlice, Node } from '#api/generated/types.ts';
import { nodes, services } from '#api/resource.ts';
import { controlPlane } from '../control-plane-fixture.ts';
import { startEndpointSliceController } from './endpoint-slice.ts';
import { endpointKey } from './endpoint-slice-packing.ts';
import { shareOut } from './topology-hints.ts';
import { zoneCapacity } from './zone-capacity.ts';

/** `a a b` is an endpoint a word, in that zone; `a!` is not ready, `-` has no zone. */
function endpointsOf(text: string): Endpoint[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, i) => ({
      addresses: [`10.0.0.${i}`],
      conditions: { ready: !word.endsWith('!') },
      ...(word === '-' ? {} : { zone: word.replace('!', '') }),
    }));
}

/** The zone that each is for, `.` for none. */
function shared(text: string, capacity: ReadonlyMap<string, number> | undefined, before: string = ''): string {
  const endpoints = endpointsOf(text);
  const known = new Map(
    before
      .split(' ')
      .flatMap((zone, i) => (zone === '' || zone === '.' ? [] : [[endpointKey(endpoints[i] ?? assert.fail()), zone]])),
  );
  const { zones, note } = shareOut(endpoints, known, capacity);
  if (note.type === 'Warning') return note.message;
  return endpoints.map((endpoint) => zones.get(endpointKey(endpoint)) ?? '.').join(' ');
}

const even = new Map([
  ['a', 0.5],
  ['b', 0.5],
]);
const uneven = new Map([
  ['a', 2 / 3],
  ['b', 1 / 3],
]);
const three = new Map([
  ['a', 1 / 3],
  ['b', 1 / 3],
  ['c', 1 / 3],
]);

const cases: readonly (readonly [
  name: string,
  endpoints: string,
  capacity: ReadonlyMap<string, number> | undefined,
  result: string,
  before?: string,
])[] = [
  ['each to its own zone', 'a a b b', even, 'a a b b'],
  ['one more here is bearable', 'a a a a b b b', even, 'a a a a b b b'],
  ['a zone gives what it has too many of', 'a a a a a b', even, 'b b a a a b'],
  ['two thirds of the processors want two thirds of the endpoints', 'a a b b b b', uneven, 'a a a a b b'],
  ['a zone without endpoints gets some', 'a a a a', even, 'b b a a'],
  ['those that are not ready have none', 'a! a b b!', even, '. a b .'],
  ['nobody has a zone', 'a -', even, 'One or more endpoints do not have a zone specified'],
  [
    'nodes do not say enough',
    'a b',
    undefined,
    'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
  ],
  ['fewer endpoints than zones', 'a b', three, 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
  [
    'no share is fair',
    'a a b b',
    three,
    'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones)',
  ],
  ['hints stay where they may', 'a a a b b b', even, 'b a a a b b', 'b a a a b b'],
  ['what is new takes the room that there is', 'a a a b b b', even, 'b a a a b b', 'b . a a . .'],
  ["a zone that is gone is nobody's any more", 'a a b b', even, 'a a b b', 'c c b b'],
  ['too many hints for one zone are given anew', 'a a b b', even, 'a a b b', 'a a a a'],
];

for (const [name, endpoints, capacity, result, before] of cases) {
  test(`hints by topology: ${name}`, () => assert.equal(shared(endpoints, capacity, before), result));
}

test('no zone is overloaded, and what was shared out once stays as it is', () => {
  const zone = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(
      fc.array(zone, { minLength: 1, maxLength: 60 }),
      fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
      (list, cpus) => {
        const total = cpus.reduce((sum, cpu) => sum + cpu + 1, 0);
        const capacity = new Map(cpus.map((cpu, i) => ['abc'[i] ?? '', (cpu + 1) / total]));
        const endpoints = endpointsOf(list.join(' '));
        const { zones } = shareOut(endpoints, new Map(), capacity);
        if (zones.size === 0) return;
        assert.equal(zones.size, endpoints.length);
        for (const [name, part] of capacity) {
          const count = [...zones.values()].filter((one) => one === name).length;
          assert.ok(count >= Math.ceil((part * endpoints.length) / 1.2), `${name} has ${count} of ${endpoints.length}`);
        }
        assert.deepEqual(shareOut(endpoints, zones, capacity).zones, zones);
      },
    ),
  );
});

function node(name: string, zone: string | undefined, cpu: string, change: object = {}): Node {
  return {
    metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }, ...change },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
  } as unknown as Node;
}

test('zoneCapacity() counts the processors of ready nodes', () => {
  const share = (...list: Node[]): unknown => {
    const capacity = zoneCapacity(list);
    return capacity === undefined ? undefined : Object.fromEntries(capacity);
  };
  const a = node('1', 'a', '1500m');
  const b = node('2', 'b', '500m');
  assert.deepEqual(share(b, a), { a: 0.75, b: 0.25 });
  assert.equal(share(a), undefined);
  assert.equal(share(a, b, node('3', undefined, '1')), undefined);
  assert.equal(share(a, b, node('3', 'c', '0')), undefined);
  const down = {
    ...node('3', 'c', '1'),
    status: { conditions: [{ type: 'Ready', status: 'False' }] },
  } as unknown as Node;
  const labels = { 'node-role.kubernetes.io/control-plane': '' };
  assert.deepEqual(share(a, b, down, node('4', undefined, '1', { labels })), { a: 0.75, b: 0.25 });
});

test('a Service with topology-mode Auto gets hints while they can be had, and says what became of them', async () => {
  await using plane = controlPlane();
  for (const [name, zone] of [
    ['n1', 'a'],
    ['n2', 'b'],
  ] as const) {
    await plane.addNode(name, node(name, zone, '2'));
  }
  await plane.start(startEndpointSliceController);
  const spec = {
    clusterIP: '10.96.0.9',
    selector: { app: 'web' },
    trafficDistribution: 'PreferSameNode',
    ports: [{ port: 80 }],
  };
  const annotations = { 'service.kubernetes.io/topology-mode': 'Auto' };
  await plane.client.create(services, {
    metadata: { namespace: 'd', name: 'web', annotations },
    spec,
  });
  const pod = async (name: string, nodeName: string, ip: string): Promise<void> => {
    const metadata = { namespace: 'd', name, labels: { app: 'web' } };
    const { pods } = await import('#api/resource.ts');
    await plane.runPod(
      await plane.client.create(pods, { metadata, spec: { nodeName, containers: [{ name: 'c' }] } }),
      ip,
    );
    await plane.rest();
  };
  const hints = (): string[] =>
    plane.api
      .all<EndpointSlice>('endpointslices')
      .flatMap(({ endpoints = [] }) => endpoints.map(({ hints: found }) => JSON.stringify(found?.forZones ?? null)));
  const events = (): string[] =>
    plane.api.all<CoreEvent>('events').map(({ reason, message }) => `${reason} ${message}`);
  await pod('a', 'n1', '10.0.0.1');
  assert.deepEqual(hints(), ['null'], 'topology-mode wins over the traffic distribution');
  await pod('b', 'n1', '10.0.0.2');
  assert.deepEqual(hints(), ['[{"name":"b"}]', '[{"name":"a"}]']);
  await plane.client.patch(
    nodes,
    { name: 'n2' },
    { kind: 'merge', body: { metadata: { labels: { 'topology.kubernetes.io/zone': null } } } },
  );
  await plane.rest();
  assert.deepEqual(hints(), ['null', 'null']);
  const body = { metadata: { annotations: { 'service.kubernetes.io/topology-mode': null } } };
  await plane.client.patch(services, { namespace: 'd', name: 'web' }, { kind: 'merge', body });
  await plane.rest();
  assert.deepEqual(hints(), ['[{"name":"a"}]', '[{"name":"a"}]']);
  const message = (text: string): string => `${text}, addressType: IPv4`;
  assert.deepEqual(
    events().sort(),
    [
      message('TopologyAwareHintsDisabled Insufficient number of endpoints (0 endpoints, 2 zones)'),
      message('TopologyAwareHintsDisabled Insufficient number of endpoints (1 endpoints, 2 zones)'),
      message(
        'TopologyAwareHintsDisabled Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
      ),
      message('TopologyAwareHintsEnabled Topology Aware Hints has been enabled'),
    ].sort(),
  );
});

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import type { EndpointSlice, Node, Service } from '#api/generated/types.ts';
import { endpointSlices, nodes, services } from '#api/resource.ts';
import { ManualClock } from '#base/clock.ts';
import { createLog, type LogRecord } from '#base/log.ts';
import { createClient } from '#client/api-client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderElement } from '#nftables/render.ts';
import { renderTransaction } from '#nftables/render-transaction.ts';
import { transaction, type Transaction } from '#nftables/transaction.ts';
import { ruleset } from './ruleset.ts';
import { createProxy, Proxy, type ObjectChange } from './sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

/** Remembers what was committed, and can refuse. */
class RecordingSocket extends NftablesSocket {
  readonly commits: string[] = [];
  broken: Error | undefined;
  /** The family of tables that takes no transaction. */
  refused: string | undefined;

  override commit(what: Transaction): number {
    if (this.broken !== undefined) throw this.broken;
    if (what.family === this.refused) throw new Error('refused');
    this.commits.push(withoutDigests(renderTransaction(what)));
    return super.commit(what);
  }
}

/** What notes say for the next process is nothing to read. */
function withoutDigests(text: string): string {
  return text.replaceAll(/ [0-9a-f]{16}"/g, '"');
}

interface Setup {
  readonly socket: RecordingSocket;
  readonly clock: ManualClock;
  readonly logged: LogRecord[];
  readonly options: ConstructorParameters<typeof Proxy>[0];
}

function setup(t: TestContext): Setup {
  const netns = createNetns();
  const socket = inNetns(netns, () => new RecordingSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER })));
  t.after(() => {
    socket[Symbol.dispose]();
    closeSync(netns);
  });
  const clock = new ManualClock();
  const logged: LogRecord[] = [];
  const log = createLog('proxy', (record) => logged.push(record));
  return {
    socket,
    clock,
    logged,
    options: { nodeName: 'a', socket, serviceCidrs: [cidr('10.96.0.0/12')], clock, log },
  };
}

function set(...objects: readonly (Service | EndpointSlice)[]): ObjectChange[] {
  return objects.map((object) => ({ kind: 'set', object }));
}

const rules = ruleset(4);
const { addresses, hairpin } = rules.sets;
const { counts, endpoints } = rules.planes.address.sets;
const sets = { addresses, hairpin, endpoints, services: counts.cluster };

/** The changing part of the table in the kernel, a line an element. */
function kernel(socket: NftablesSocket): string[] {
  return [sets.services, sets.endpoints, sets.addresses, sets.hairpin].flatMap((declaration) =>
    socket
      .readElements('ip', 'clusterip', declaration)
      .map((element) => withoutDigests(`${declaration.name} ${renderElement(declaration, element)}`))
      .sort(),
  );
}

const web = service('web', '10.96.0.50', [{ port: 80 }]);
const port = [{ port: 8080 }];
const programmed = [
  'services 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:2',
  'endpoints 10.96.0.50 . tcp . 80 . 0 : 10.244.0.5 . 8080',
  'endpoints 10.96.0.50 . tcp . 80 . 1 : 10.244.1.5 . 8080',
  'addresses 10.96.0.50',
  'hairpin 10.244.0.5 . 10.244.0.5',
];

const repaired = [
  'services 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:2',
  'endpoints 10.96.0.50 . tcp . 80 . 0 : 10.244.1.5 . 8080',
  'endpoints 10.96.0.50 . tcp . 80 . 1 : 10.244.0.5 . 8080',
  'addresses 10.96.0.50',
  'hairpin 10.244.0.5 . 10.244.0.5',
];

test('one change is one transaction of the elements that it changes', (t) => {
  const { socket, options } = setup(t);
  using proxy = new Proxy(options);
  proxy.start();
  const cases: readonly [ObjectChange[], string][] = [
    [
      set(web),
      `add element ip clusterip addresses { 10.96.0.50 }
`,
    ],
    [
      set(slice('web', ['10.244.0.5', '10.244.1.5 node=b', '10.244.1.6 node=b'], port)),
      `table ip clusterip {
	chain pick-3 {
	}
}
add rule ip clusterip pick-3 meta priority set none
add rule ip clusterip pick-3 meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 3 map @endpoints
add rule ip clusterip pick-3 meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
add element ip clusterip pick { 6b70:3 : goto pick-3 }
add element ip clusterip hairpin { 10.244.0.5 . 10.244.0.5 }
add element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 0 : 10.244.0.5 . 8080, 10.96.0.50 . tcp . 80 . 1 : 10.244.1.5 . 8080, 10.96.0.50 . tcp . 80 . 2 : 10.244.1.6 . 8080 }
add element ip clusterip services { 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:3 }
`,
    ],
    // The last one moves into the slot of the one that leaves.
    [
      set(slice('web', ['10.244.1.5 node=b', '10.244.1.6 node=b'], port)),
      `table ip clusterip {
	chain pick-2 {
	}
}
add rule ip clusterip pick-2 meta priority set none
add rule ip clusterip pick-2 meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
add rule ip clusterip pick-2 meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
add element ip clusterip pick { 6b70:2 : goto pick-2 }
delete element ip clusterip services { 10.96.0.50 . tcp . 80 }
delete element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 0, 10.96.0.50 . tcp . 80 . 2 }
delete element ip clusterip hairpin { 10.244.0.5 . 10.244.0.5 }
add element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 0 : 10.244.1.6 . 8080 }
add element ip clusterip services { 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:2 }
`,
    ],
    // One for one: nothing but its slot, and the note that tells of it.
    [
      set(slice('web', ['10.244.1.6 node=b', '10.244.1.7 node=b'], port)),
      `delete element ip clusterip services { 10.96.0.50 . tcp . 80 }
delete element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 1 }
add element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 1 : 10.244.1.7 . 8080 }
add element ip clusterip services { 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:2 }
`,
    ],
    [
      [{ kind: 'delete', object: web }],
      `delete element ip clusterip services { 10.96.0.50 . tcp . 80 }
delete element ip clusterip endpoints { 10.96.0.50 . tcp . 80 . 0, 10.96.0.50 . tcp . 80 . 1 }
delete element ip clusterip addresses { 10.96.0.50 }
`,
    ],
  ];
  for (const [changes, expected] of cases) {
    socket.commits.length = 0;
    proxy.apply(changes);
    assert.deepEqual(socket.commits, [expected]);
  }
  assert.deepEqual(kernel(socket), []);
});

test('what comes in one turn of the event loop is one transaction, at once, though the clock stands still', async (t) => {
  const { socket, options } = setup(t);
  using proxy = new Proxy(options);
  proxy.start();
  socket.commits.length = 0;
  const burst = Array.from({ length: 100 }, (_, i) => slice('web', [`10.244.2.${i}`], port));
  for (const change of set(web, ...burst, slice('web', ['10.244.0.5', '10.244.1.5 node=b'], port))) proxy.note(change);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(socket.commits.length, 1);
  assert.deepEqual(kernel(socket), programmed);
});

test('a change that changes nothing for the kernel commits nothing', (t) => {
  const { socket, options } = setup(t);
  using proxy = new Proxy(options);
  proxy.apply(set(web, slice('web', ['10.244.0.5', '10.244.1.5 node=b'], port)));
  proxy.start();
  socket.commits.length = 0;
  proxy.apply(set(slice('web', ['10.244.1.5 node=b', '10.244.0.5', '10.244.0.6 notready'], port), web));
  assert.deepEqual(socket.commits, []);
  assert.deepEqual(kernel(socket), programmed);
});

test('a restart writes only what changed meanwhile', (t) => {
  const { socket, options } = setup(t);
  const first = new Proxy(options);
  const old = service('old', '10.96.0.40', [{ port: 80 }]);
  first.apply(set(old, slice('old', ['10.244.0.9'], port)));
  first.apply(set(web, slice('web', ['10.244.0.5', '10.244.1.6 node=b', '10.244.1.5 node=b'], port)));
  first.start();
  first[Symbol.dispose]();

  socket.commits.length = 0;
  using second = new Proxy(options);
  second.apply(set(old, slice('old', ['10.244.0.9'], port)));
  second.apply(set(web, slice('web', ['10.244.1.5 node=b', '10.244.0.5', '10.244.1.6 node=b'], port)));
  second.start();
  assert.equal(socket.commits.join(''), '');

  using third = new Proxy(options);
  third.apply(set(web, slice('web', ['10.244.1.5 node=b', '10.244.0.5'], port)));
  third.start();
  assert.equal(
    socket.commits.some((commit) => commit.includes('filter-forward')),
    false,
  );
  assert.deepEqual(kernel(socket), programmed);
});

test('what others did to the table is repaired by the next change', (t) => {
  const { socket, options, logged } = setup(t);
  using proxy = new Proxy(options);
  proxy.apply(set(web, slice('web', ['10.244.0.5'], port)));
  proxy.start();
  const damages: readonly Transaction['operations'][] = [
    [
      {
        kind: 'delete-elements',
        set: sets.endpoints,
        elements: socket.readElements('ip', 'clusterip', sets.endpoints),
      },
    ],
    [{ kind: 'delete-elements', set: sets.services, elements: socket.readElements('ip', 'clusterip', sets.services) }],
    [
      { kind: 'flush-chain', chain: 'filter-forward' },
      { kind: 'delete-chain', chain: 'filter-forward' },
    ],
    [{ kind: 'delete-table' }],
  ];
  const healthy = fixedChains(socket);
  for (const operations of damages) {
    socket.commit(transaction('ip', 'clusterip', operations));
    // The first change replaces the backend, the second brings it back beside the other one.
    proxy.apply(set(slice('web', ['10.244.1.5 node=b'], port)));
    proxy.apply(set(slice('web', ['10.244.1.5 node=b', '10.244.0.5'], port)));
    // A chain that no change touches is only noticed when all is compared.
    if (operations.some(({ kind }) => kind === 'flush-chain')) proxy.start();
    assert.deepEqual(kernel(socket), repaired);
    assert.deepEqual(fixedChains(socket), healthy);
    proxy.apply(set(slice('web', ['10.244.0.5'], port)));
  }
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['warn', 'warn', 'warn'],
  );
});

function fixedChains(socket: NftablesSocket): unknown {
  const chains = socket.readTable('ip', 'clusterip')?.chains ?? [];
  return chains
    .filter(({ name }) => !name.startsWith('pick-'))
    .map(({ name, hook, rules }) => ({ name, hook, rules }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

test('a kernel that refuses is asked again, later and later, and gets everything then', async (t) => {
  const { socket, clock, options, logged } = setup(t);
  using proxy = new Proxy(options);
  proxy.start();
  socket.broken = new Error('ENOMEM');
  proxy.apply(set(web));
  proxy.apply(set(slice('web', ['10.244.0.5', '10.244.1.5 node=b'], port)));
  await clock.advance(250);
  assert.deepEqual(
    logged.map(({ level, fields }) => `${level} ${JSON.stringify(fields['retryMs'])}`),
    ['warn undefined', 'error 100', 'error 200'],
  );
  socket.broken = undefined;
  await clock.advance(1000);
  assert.deepEqual(kernel(socket), programmed);
});

test('start() throws what the kernel refuses with', (t) => {
  const { socket, options } = setup(t);
  using proxy = new Proxy(options);
  socket.broken = new Error('EPERM');
  assert.throws(() => proxy.start(), { message: 'EPERM' });
});

test('thousands of backends are as good as three', (t) => {
  const { socket, options } = setup(t);
  using proxy = new Proxy(options);
  const addresses = Array.from({ length: 5000 }, (_, i) => `10.${i >> 8}.${i & 255}.1 node=b`);
  proxy.apply(set(web, slice('web', addresses, port)));
  proxy.start();
  proxy.apply(set(slice('web', addresses.slice(1), port)));
  const lines = kernel(socket);
  assert.equal(lines[0], 'services 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:1387');
  assert.equal(lines.length, 1 + 4999 + 1);
  socket.commits.length = 0;
  using again = new Proxy(options);
  again.apply(set(web, slice('web', addresses.slice(1), port)));
  again.start();
  assert.equal(socket.commits.join(''), '');
});

test('createProxy() follows the cluster', async (t) => {
  const { socket, clock, options } = setup(t);
  const api = new FakeApi(clock);
  const client = createClient(inProcessTransport(api.handle, { username: 'proxy', groups: [] }));
  const stop = new AbortController();
  t.after(() => stop.abort());
  await client.create(services, web);
  await createProxy({ ...options, client, signal: stop.signal });
  assert.deepEqual(kernel(socket), ['addresses 10.96.0.50']);
  await client.create(endpointSlices, slice('web', ['10.244.0.5', '10.244.1.5 node=b'], port));
  await until(() => kernel(socket).length === programmed.length);
  assert.deepEqual(kernel(socket), programmed);
  await client.delete(services, { namespace: 'default', name: 'web' });
  await until(() => kernel(socket).length === 0);
});

test('createProxy() takes addresses and zone from its Node, and follows them', async (t) => {
  const { socket, clock, options } = setup(t);
  const api = new FakeApi(clock);
  const client = createClient(inProcessTransport(api.handle, { username: 'proxy', groups: [] }));
  const stop = new AbortController();
  t.after(() => stop.abort());
  const { nodeAddresses } = rules.sets;
  const answering = (): string =>
    socket
      .readElements('ip', 'clusterip', nodeAddresses)
      .map((element) => renderElement(nodeAddresses, element))
      .sort()
      .join(' ');
  const metadata = { name: 'a', labels: { 'topology.kubernetes.io/zone': 'z1' } } as unknown as Node['metadata'];
  const node = (address: string): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    spec: {},
    status: {
      addresses: [
        { type: 'Hostname', address: 'a' },
        { type: 'InternalIP', address },
      ],
    },
  });
  const created = await client.create(nodes, node('172.18.0.2'));
  await client.create(services, web);
  const zoned = { forZones: [{ name: 'z1' }] };
  const hinted = slice('web', ['10.244.0.5', '10.244.1.5 node=b'], port);
  const endpoints = hinted.endpoints?.map((one, i) => ({
    ...one,
    hints: i === 0 ? zoned : { forZones: [{ name: 'z2' }] },
  }));
  await client.create(endpointSlices, { ...hinted, endpoints });
  await createProxy({ ...options, client, signal: stop.signal });
  assert.equal(answering(), '127.0.0.0/8 172.18.0.2');
  assert.equal(kernel(socket)[0], 'services 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:1');
  const relabelled = await client.update(nodes, { ...created, metadata: { ...created.metadata, labels: {} } });
  await client.update(
    nodes,
    { ...relabelled, ...node('172.18.0.9'), metadata: relabelled.metadata },
    { subresource: 'status' },
  );
  await until(() => answering() === '127.0.0.0/8 172.18.0.9');
  await until(() => kernel(socket)[0] === 'services 10.96.0.50 . tcp . 80 comment "default/web" : 6b70:2');
});

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

test('a family that the kernel refuses does not hold up the other', (t) => {
  const { socket, options } = setup(t);
  const seen: string[] = [];
  const observer = {
    watch: () => {},
    changed: () => {},
    synced: (family: number, kind: string) => seen.push(`${kind} ${family}`),
    settled: () => seen.push('settled'),
    failed: (family: number, kind: string) => seen.push(`failed ${kind} ${family}`),
    flowsReconciled: () => {},
  };
  using proxy = new Proxy({ ...options, observer, serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'].map(cidr) });
  proxy.start();
  socket.refused = 'ip';
  const both = { spec: { clusterIPs: ['10.96.0.50', 'fd00:96::50'] } };
  proxy.apply(set(service('web', '10.96.0.50', [{ port: 80 }], both)));
  assert.deepEqual(seen, ['full 4', 'full 6', 'settled', 'failed partial 4', 'partial 6', 'failed full 4', 'full 6']);
  const v6 = ruleset(6).sets.addresses;
  const there = socket.readElements('ip6', 'clusterip', v6).map((element) => renderElement(v6, element));
  assert.deepEqual(there, ['fd00:96::50']);
});

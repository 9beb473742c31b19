import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderElement } from '#nftables/render.ts';
import { encodeKey } from '#nftables/key.ts';
import { dataLayoutOf, layoutOf, type Element, type Family } from '#nftables/table.ts';
import { transaction, type Transaction } from '#nftables/transaction.ts';
import { ruleset } from './ruleset.ts';
import { Proxy, type ObjectChange } from './sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

/** Counts what it is asked to look up. */
class CountingSocket extends NftablesSocket {
  lookUps: string[] = [];
  commits = 0;

  override commit(what: Transaction): number {
    this.commits++;
    return super.commit(what);
  }

  override lookUp(family: Family, table: string, set: string, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    if (keys.length > 0) this.lookUps.push(`${set} ${keys.length}`);
    return super.lookUp(family, table, set, keys);
  }
}

const { counts, endpoints, affinity, slots } = ruleset(4).planes.address.sets;
const port = [{ port: 8080 }];
const plain = service('plain', '10.96.0.50', [{ port: 80 }]);
const sticky = service('sticky', '10.96.0.51', [{ port: 80 }], { spec: { sessionAffinity: 'ClientIP' } });
const objects = (addresses: readonly string[]): ObjectChange[] =>
  [plain, slice('plain', addresses, port), sticky, slice('sticky', addresses, port)].map((object) => ({
    kind: 'set',
    object,
  }));
const ADDRESSES = ['10.244.0.5', '10.244.1.5 node=b', '10.244.1.6 node=b'];

interface Setup {
  readonly socket: CountingSocket;
  readonly clock: ManualClock;
  readonly logged: string[];
  readonly start: (addresses: readonly string[]) => Proxy;
}

function setup(t: TestContext): Setup {
  const netns = createNetns();
  const socket = inNetns(netns, () => new CountingSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER })));
  const clock = new ManualClock();
  const logged: string[] = [];
  const log = createLog('proxy', ({ level, message }) => logged.push(`${level} ${message}`));
  t.after(() => {
    socket[Symbol.dispose]();
    closeSync(netns);
  });
  const start = (addresses: readonly string[]): Proxy => {
    const proxy = new Proxy({ nodeName: 'a', socket, serviceCidrs: [cidr('10.96.0.0/12')], clock, log });
    t.after(() => proxy[Symbol.dispose]());
    for (const change of objects(addresses)) proxy.note(change);
    proxy.start();
    return proxy;
  };
  start(ADDRESSES)[Symbol.dispose]();
  socket.commits = 0;
  return { socket, clock, logged, start };
}

function read(socket: NftablesSocket, set: typeof endpoints): string[] {
  return socket
    .readElements('ip', 'clusterip', set)
    .map((element) => renderElement(set, element).replace(/ comment "[^"]*"/, ''))
    .sort();
}

function endpoint(slot: number, backend: string): Element {
  const key = encodeKey(layoutOf(endpoints.key), ['10.96.0.50', 'tcp', '80', String(slot)]);
  return { key, data: encodeKey(dataLayoutOf(endpoints), [backend, '8080']) };
}

const SLOTS = ['10.244.0.5', '10.244.1.5', '10.244.1.6'].map(
  (backend, slot) => `10.96.0.50 . tcp . 80 . ${slot} : ${backend} . 8080`,
);

test('nothing that changed: nothing is read slot by slot, and nothing is written', (t) => {
  const { socket, start } = setup(t);
  start(ADDRESSES);
  assert.deepEqual([socket.lookUps, socket.commits], [[], 0]);
});

test('endpoints in another order: slots are looked up, and nothing is written', (t) => {
  const { socket, start } = setup(t);
  start(ADDRESSES.toReversed());
  assert.deepEqual([socket.lookUps, socket.commits], [['endpoints 3', 'slots 3', 'byid 3'], 0]);
});

test('the next change after a restart knows where everything is', (t) => {
  const { socket, start } = setup(t);
  const proxy = start(ADDRESSES);
  proxy.apply(objects(ADDRESSES.slice(1)));
  assert.deepEqual(read(socket, endpoints), [
    '10.96.0.50 . tcp . 80 . 0 : 10.244.1.6 . 8080',
    '10.96.0.50 . tcp . 80 . 1 : 10.244.1.5 . 8080',
  ]);
  assert.equal(read(socket, slots).length, 2);
});

test('clients stay with their backends', (t) => {
  const { socket, start } = setup(t);
  const key = encodeKey(layoutOf(affinity.key), ['10.244.0.9', '10.96.0.51', 'tcp', '80']);
  const data = new Uint8Array([7, 0, 0, 0]);
  const add = { kind: 'add-elements', set: affinity, elements: [{ key, data }] } as const;
  socket.commit(transaction('ip', 'clusterip', [add]));
  const before = read(socket, affinity);
  start(ADDRESSES);
  start(ADDRESSES.slice(1));
  assert.deepEqual([before.length, read(socket, affinity)], [1, before]);
});

test('a table without notes, of an earlier version, gets them and keeps its slots', (t) => {
  const { socket, start } = setup(t);
  const services = socket.readElements('ip', 'clusterip', counts.cluster);
  const bare = services.map(({ key, data = new Uint8Array() }) => ({ key, data }));
  const change = (kind: 'add-elements' | 'delete-elements', elements: readonly Element[]): Transaction =>
    transaction('ip', 'clusterip', [{ kind, set: counts.cluster, elements }]);
  socket.commit(change('delete-elements', services));
  socket.commit(change('add-elements', bare));
  start(ADDRESSES)[Symbol.dispose]();
  const notes = (): unknown => socket.readElements('ip', 'clusterip', counts.cluster).map(({ comment }) => comment);
  assert.deepEqual(
    notes(),
    services.map(({ comment }) => comment),
  );
  assert.deepEqual(read(socket, endpoints), SLOTS);
});

test('slots that somebody changed while no proxy ran are found and repaired soon after', async (t) => {
  const { socket, clock, logged, start } = setup(t);
  const damages: readonly (readonly Element[])[] = [[], [endpoint(1, '10.9.9.9')]];
  for (const wrong of damages) {
    const gone = { kind: 'delete-elements', set: endpoints, elements: [endpoint(1, '10.244.1.5')] } as const;
    socket.commit(transaction('ip', 'clusterip', [gone]));
    socket.commit(transaction('ip', 'clusterip', [{ kind: 'add-elements', set: endpoints, elements: wrong }]));
    using _again = start(ADDRESSES);
    await clock.advance(1000);
    assert.deepEqual(read(socket, endpoints), SLOTS);
  }
  const found = [
    'warn rules were changed while no proxy ran',
    'warn somebody else changed the rules, comparing with the kernel',
  ];
  assert.deepEqual(logged, [...found, ...found]);
});

test('slots that nobody counts, where a change wants its own, are found when they are in the way', (t) => {
  const { socket, start } = setup(t);
  const stray = {
    kind: 'add-elements',
    set: endpoints,
    elements: [endpoint(3, '10.9.9.9'), endpoint(9, '10.9.9.9')],
  } as const;
  socket.commit(transaction('ip', 'clusterip', [stray]));
  start([...ADDRESSES, '10.244.1.7 node=b']);
  assert.deepEqual(read(socket, endpoints), [...SLOTS, '10.96.0.50 . tcp . 80 . 3 : 10.244.1.7 . 8080']);
});

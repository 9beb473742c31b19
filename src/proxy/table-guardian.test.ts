import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { Channel } from '#base/channel.ts';
import { ManualClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { watchNetlink, type NetlinkEvent } from '#netlink/event-socket.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { watchNftables } from '#nftables/table-event-socket.ts';
import { transaction, type Transaction } from '#nftables/transaction.ts';
import { ruleset } from './ruleset.ts';
import { Proxy, type ProxyOptions } from './sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const rules = ruleset(4);
const { endpoints, counts } = rules.planes.address.sets;
const web = [service('web', '10.96.0.50', [{ port: 80 }]), slice('web', ['10.244.0.5'], [{ port: 8080 }])];

interface Setup {
  readonly netns: number;
  readonly socket: NftablesSocket;
  /** Somebody else. */
  readonly other: NftablesSocket;
  readonly clock: ManualClock;
  readonly logged: string[];
  readonly proxy: Proxy;
}

function setup(t: TestContext, watch: (netns: number) => ProxyOptions['watch']): Setup {
  const netns = createNetns();
  const [socket, other] = [inNetns(netns, () => NftablesSocket.open()), inNetns(netns, () => NftablesSocket.open())];
  const clock = new ManualClock();
  const logged: string[] = [];
  const log = createLog('proxy', ({ level, message }) => logged.push(`${level} ${message}`));
  const serviceCidrs = [cidr('10.96.0.0/12')];
  const proxy = new Proxy({ nodeName: 'a', socket, serviceCidrs, clock, log, watch: watch(netns) });
  for (const object of web) proxy.note({ kind: 'set', object });
  proxy.start();
  t.after(() => {
    proxy[Symbol.dispose]();
    socket[Symbol.dispose]();
    other[Symbol.dispose]();
    closeSync(netns);
  });
  return { netns, socket, other, clock, logged, proxy };
}

function isWhole(socket: NftablesSocket): boolean {
  const table = socket.readTable('ip', 'clusterip');
  const isThere = (name: string): boolean => (table?.chains.find((one) => one.name === name)?.rules.length ?? 0) > 0;
  if (!['dispatch', 'nat-output', 'filter-forward'].every(isThere)) return false;
  const slots = socket.readElements('ip', 'clusterip', endpoints);
  return slots.length === 1 && socket.readElements('ip', 'clusterip', counts.cluster).length === 1;
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

const damages: readonly (readonly [
  string,
  Transaction['operations'] | ((socket: NftablesSocket) => Transaction['operations']),
])[] = [
  ['the table', [{ kind: 'delete-table' }]],
  ['the rules of a chain', [{ kind: 'flush-chain', chain: 'dispatch' }]],
  [
    'a base chain',
    [
      { kind: 'flush-chain', chain: 'nat-output' },
      { kind: 'delete-chain', chain: 'nat-output' },
    ],
  ],
  [
    'elements',
    (socket) => [
      { kind: 'delete-elements', set: endpoints, elements: socket.readElements('ip', 'clusterip', endpoints) },
    ],
  ],
];

test('what others delete comes back at once, with nothing else happening', async (t) => {
  const { socket, other, clock, logged } = setup(t, (netns) => (signal) => inNetns(netns, () => watchNftables(signal)));
  for (const [name, damage] of damages) {
    const operations = typeof damage === 'function' ? damage(other) : damage;
    other.commit(transaction('ip', 'clusterip', operations));
    assert.equal(isWhole(socket), false, name);
    await until(() => isWhole(socket));
    await clock.advance(1000);
  }
  assert.deepEqual(new Set(logged), new Set(['warn somebody else changed the rules, comparing with the kernel']));
  assert.equal(logged.length, damages.length);
});

test('our own changes, and changes of other tables, are no reason to look', async (t) => {
  const { socket, other, logged, proxy } = setup(t, (netns) => (signal) => inNetns(netns, () => watchNftables(signal)));
  other.commit(transaction('ip', 'other', [{ kind: 'add-table' }]));
  other.commit(transaction('ip', 'clusterip', []));
  for (let i = 6; i < 34; i++) {
    proxy.apply([{ kind: 'set', object: slice('web', ['10.244.0.5', `10.244.0.${i}`], [{ port: 8080 }]) }]);
  }
  proxy.apply([{ kind: 'set', object: slice('web', ['10.244.0.5'], [{ port: 8080 }]) }]);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(isWhole(socket));
  assert.deepEqual(logged, []);
});

test('what is lost in an overrun of the real queue is found all the same', async (t) => {
  let lost = 0;
  const { socket, other, logged } = setup(t, (netns) => (signal) => {
    // The smallest queue that the kernel allows; NFNLGRP_NFTABLES is 7.
    const options = { protocol: NETLINK_NETFILTER, groups: [7], receiveBuffer: 1, signal };
    const events = inNetns(netns, () => watchNetlink(options));
    return (async function* () {
      for await (const event of events) {
        if (event.kind === 'lost') lost++;
        yield event;
      }
    })();
  });
  other.commit(transaction('ip', 'other', [{ kind: 'add-table' }]));
  // Nobody reads while this thread works.
  for (let i = 0; i < 200; i++) {
    const chain = `chain-${i % 10}`;
    const add: Transaction['operations'] = [{ kind: 'add-chain', chain: { kind: 'chain', name: chain, rules: [] } }];
    other.commit(transaction('ip', 'other', i % 20 < 10 ? add : [{ kind: 'delete-chain', chain }]));
  }
  other.commit(transaction('ip', 'clusterip', [{ kind: 'delete-table' }]));
  assert.equal(isWhole(socket), false);
  await until(() => isWhole(socket));
  assert.ok(lost > 0);
  assert.deepEqual(new Set(logged), new Set(['warn somebody else changed the rules, comparing with the kernel']));
});

test('after an overrun only what others did is looked for; somebody who does it again and again has to wait', async (t) => {
  const events = new Channel<NetlinkEvent>();
  const { socket, other, clock, logged, proxy } = setup(t, () => () => events);
  proxy.apply([{ kind: 'set', object: slice('web', ['10.244.0.6'], [{ port: 8080 }]) }]);
  events.push({ kind: 'lost' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(logged, []);
  const destroy = (): void => {
    other.commit(transaction('ip', 'clusterip', [{ kind: 'delete-table' }]));
    events.push({ kind: 'lost' });
  };
  destroy();
  await until(() => isWhole(socket));
  destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isWhole(socket), false);
  await clock.advance(1000);
  assert.ok(isWhole(socket));
});

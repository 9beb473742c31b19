import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderTransaction } from '#nftables/render-transaction.ts';
import type { Transaction } from '#nftables/transaction.ts';
import { Proxy, type ObjectChange, type ProxyOptions } from './sync.ts';
import { anyChange, isContested } from './testing/changes.ts';
import { cidr } from './testing/network.ts';

isolateTestFile();
settleInOwnNetns();

class RecordingSocket extends NftablesSocket {
  commits = '';

  override commit(what: Transaction): number {
    this.commits += renderTransaction(what);
    return super.commit(what);
  }
}

function checkSteps(steps: readonly (readonly ObjectChange[])[]): void {
  const netns = createNetns();
  using socket = inNetns(netns, () => new RecordingSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER })));
  closeSync(netns);
  const failures: string[] = [];
  const log = createLog('proxy', ({ message, fields }) => {
    if (message !== 'two services state one address') failures.push(`${message} ${JSON.stringify(fields)}`);
  });
  const options: ProxyOptions = {
    nodeName: 'a',
    socket,
    serviceCidrs: [cidr('10.96.0.0/12')],
    podCidrs: [cidr('10.244.0.0/16')],
    node: { addresses: ['172.18.0.2'], zone: undefined },
    clock: systemClock,
    log,
  };
  using proxy = new Proxy(options);
  proxy.start();
  const now = new Map<string, ObjectChange>();
  for (const step of steps) {
    for (const change of step) now.set(`${change.object.kind} ${change.object.metadata.name}`, change);
    proxy.apply(step);
  }
  const left = [...now.values()].filter(({ kind }) => kind === 'set');
  socket.commits = '';
  using again = new Proxy(options);
  for (const change of left) again.note(change);
  again.start();
  assert.deepEqual(failures, []);
  const services = left.flatMap(({ object }) => (object.kind === 'Service' ? [object] : []));
  if (!isContested(services)) assert.equal(socket.commits, '');
}

test('whatever changes into whatever, the kernel takes it, and a restart finds nothing left to do', () => {
  const step = fc.array(anyChange, { minLength: 1, maxLength: 3 });
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), checkSteps), { numRuns: 40 });
});

import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { askTcp } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const BACKEND = '10.244.0.11';
const VIP = '10.96.0.50';
/** Of the node, on the wire to each Pod. */
const GATEWAY = '10.244.0.1';

/** The wires of `Network` are pod1, pod2, ...: the client's comes first. */
const CASES = [
  [{ name: 'pod', isPrefix: true }, CLIENT],
  [{ name: 'pod1', isPrefix: false }, CLIENT],
  [{ name: 'pod', isPrefix: false }, GATEWAY],
  [{ name: 'eth', isPrefix: true }, GATEWAY],
] as const;

testModes('who comes by an interface of Pods keeps the address, all others get that of the node', async (mode) => {
  for (const [podInterface, seen] of CASES) {
    await using cluster = await Cluster.start(mode, { podInterface });
    await cluster.network.serveTcp(BACKEND, 8080);
    await cluster.set(service('web', VIP, [{ port: 80 }]), slice('web', [BACKEND], [{ port: 8080 }]));
    assert.equal(await askTcp(cluster.client, VIP, 80), `${BACKEND} ${seen}`, JSON.stringify(podInterface));
  }
});

testModes('service ranges that come later are taken in', async (mode) => {
  await using cluster = await Cluster.start(mode, { serviceCidrs: [], families: [4] });
  await cluster.network.serveTcp(BACKEND, 8080);
  await cluster.set(service('web', VIP, [{ port: 80 }]), slice('web', [BACKEND], [{ port: 8080 }]));
  cluster.proxy.setServiceCidrs([{ family: 4, base: 0x0a600000n, prefix: 12 }]);
  await cluster.proxy.settled();
  assert.equal(await askTcp(cluster.client, VIP, 80), `${BACKEND} ${CLIENT}`);
});

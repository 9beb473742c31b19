import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { askUdp, cidr, NODE_ADDRESS } from './testing/network.ts';
import { service, slice, type TestPort } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const VIP = '10.96.0.50';
const PODS = ['10.244.0.11', '10.244.0.12', '10.244.0.13'] as const;
const [first, second, third] = PODS;
const port: TestPort = { port: 53, nodePort: 30_053, protocol: 'UDP' };
const backend: readonly TestPort[] = [{ port: 5353, protocol: 'UDP' }];
const dns = service('dns', VIP, [port], { spec: { type: 'NodePort' } });
const options = {
  podCidrs: [cidr('10.244.0.0/16')],
  node: { addresses: [NODE_ADDRESS], zone: undefined },
};

for (const [where, address, number] of [
  ['a cluster address', VIP, 53],
  ['a NodePort', NODE_ADDRESS, 30_053],
] as const) {
  testModes(
    `UDP at ${where}: a restart of the proxy leaves living flows alone, and ends those to endpoints that went meanwhile`,
    async (mode) => {
      await using cluster = await Cluster.start(mode, options);
      for (const pod of PODS) await cluster.network.serveUdp(pod, 5353);
      await cluster.set(dns, slice('dns', PODS, backend));
      const socket = await cluster.network.udpSocket(cluster.client);
      const [pod = ''] = (await askUdp(socket, address, number)).split(' ');
      for (const others of [PODS, [pod, '10.244.0.99'], [pod]]) {
        await cluster.restart(dns, slice('dns', others, backend));
        assert.equal((await askUdp(socket, address, number)).split(' ')[0], pod);
      }
      const rest = PODS.filter((one) => one !== pod).slice(0, 1);
      await cluster.restart(dns, slice('dns', rest, backend));
      assert.deepEqual([(await askUdp(socket, address, number)).split(' ')[0]], rest);
    },
  );

  testModes(`UDP at ${where}: endpoints that are not ready yet end no flow, and get none`, async (mode) => {
    await using cluster = await Cluster.start(mode, options);
    for (const pod of PODS) await cluster.network.serveUdp(pod, 5353);
    await cluster.set(dns, slice('dns', [first], backend));
    const socket = await cluster.network.udpSocket(cluster.client);
    const answer = await askUdp(socket, address, number);
    for (const lines of [
      [first, `${second} notready`],
      [first, `${second} notready`, `${third} notready`],
    ]) {
      await cluster.set(slice('dns', lines, backend));
      assert.equal(await askUdp(socket, address, number), answer);
    }
    for (let i = 0; i < 10; i++) {
      const other = await cluster.network.udpSocket(cluster.client);
      assert.equal((await askUdp(other, address, number)).split(' ')[0], first);
    }
    // Ready now, and the old one gone: the flow moves.
    await cluster.set(slice('dns', [second], backend));
    assert.equal((await askUdp(socket, address, number)).split(' ')[0], second);
  });
}

testModes('UDP that was sent before there was a Service reaches it once it is there', async (mode) => {
  await using cluster = await Cluster.start(mode, options);
  await cluster.network.serveUdp(first, 5353);
  const socket = await cluster.network.udpSocket(cluster.client);
  const lost = async (address: string, number: number): Promise<void> =>
    new Promise((resolve) => socket.send('who?', number, address, () => resolve()));
  await lost(VIP, 53);
  await lost(NODE_ADDRESS, 30_053);
  await cluster.set(dns, slice('dns', [], backend));
  await lost(VIP, 53);
  await lost(NODE_ADDRESS, 30_053);
  await cluster.set(slice('dns', [first], backend));
  assert.equal(await askUdp(socket, VIP, 53), `${first} ${CLIENT}`);
  assert.equal((await askUdp(socket, NODE_ADDRESS, 30_053)).split(' ')[0], first);
});

import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { cidr, NODE_ADDRESS, NODE_ADDRESS_6 } from './testing/network.ts';
import { service, slice, type TestPort } from './testing/objects.ts';
import { RawScript, SCTP_CLIENT, SCTP_SERVER } from './testing/raw-packets.ts';

isolateTestFile();
settleInOwnNetns();

const NODE_PORT = 30_900;
const ports: readonly TestPort[] = [{ port: 9000, nodePort: NODE_PORT, protocol: 'SCTP' }];
const backend: readonly TestPort[] = [{ port: 9001, protocol: 'SCTP' }];

const families = [
  { vip: '10.96.0.50', pod: '10.244.0.11', client: CLIENT, node: NODE_ADDRESS, gateway: '10.244.0.1', type: 'IPv4' },
  {
    vip: 'fd00:96::50',
    pod: 'fd00:244::11',
    client: 'fd00:244::10',
    node: NODE_ADDRESS_6,
    gateway: 'fd00:244::1',
    type: 'IPv6',
  },
] as const;

for (const { vip, pod, client, node, gateway, type } of families) {
  // The kernel of this machine may have no SCTP of its own: packets are made by hand, and conntrack follows them.
  testModes(
    `SCTP over ${type}: an association is translated both ways, at the cluster address and a NodePort`,
    async (mode) => {
      await using cluster = await Cluster.start(mode, {
        serviceCidrs: [cidr('10.96.0.0/12'), cidr('fd00:96::/108')],
        podCidrs: [cidr('10.244.0.0/16'), cidr('fd00:244::/32')],
        node: { addresses: [NODE_ADDRESS, NODE_ADDRESS_6], zone: undefined },
      });
      const from = type === 'IPv4' ? cluster.client : cluster.network.addPod(client);
      await cluster.set(service('sctp', vip, ports, { spec: { type: 'NodePort' } }));
      await cluster.set(slice('sctp', [pod], backend, { addressType: type }));
      using server = new RawScript(cluster.network.pod(pod), SCTP_SERVER, pod);
      assert.equal(await server.line(), 'listening');
      for (const [index, [address, port, source]] of (
        [
          [vip, 9000, client],
          [node, NODE_PORT, gateway],
        ] as const
      ).entries()) {
        using asking = new RawScript(from, SCTP_CLIENT, address, port, 40_000 + index);
        assert.equal(await server.line(), `${source} 9001`);
        assert.equal(await asking.line(), `${address} ${port} to me`);
      }
    },
  );
}

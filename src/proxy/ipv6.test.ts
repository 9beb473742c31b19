import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes, type Mode } from './testing/mode.ts';
import {
  askAgain,
  askTcp,
  askUdp,
  beginTcp,
  cidr,
  connectTcp,
  NODE_ADDRESS_6,
  sendConnected,
} from './testing/network.ts';
import { service, slice, type TestPort } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const VIP = 'fd00:96::50';
const CLIENT = 'fd00:244::10';
const PODS = ['fd00:244::11', 'fd00:244::12', 'fd00:244::13'] as const;
const GATEWAY = 'fd00:244::1';
const NODE_PORT = 30_080;
const port = [{ port: 8080 }];
const six = { addressType: 'IPv6' };
const web = service('web', VIP, [{ port: 80, nodePort: NODE_PORT }], { spec: { type: 'NodePort' } });

async function start(mode: Mode): Promise<{ readonly cluster: Cluster; readonly client: number } & AsyncDisposable> {
  const cluster = await Cluster.start(mode, {
    serviceCidrs: [cidr('10.96.0.0/12'), cidr('fd00:96::/108')],
    podCidrs: [cidr('10.244.0.0/16'), cidr('fd00:244::/32')],
    node: { addresses: [NODE_ADDRESS_6], zone: undefined },
  });
  const client = cluster.network.addPod(CLIENT);
  for (const pod of PODS) await cluster.network.serveTcp(pod, 8080);
  return { cluster, client, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

async function answers(netns: number, address: string, number: number): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) seen.add(await askTcp(netns, address, number));
  return [...seen].sort();
}

testModes('IPv6: Pods and the node itself reach every backend; a Pod reaches itself', async (mode) => {
  await using one = await start(mode);
  await one.cluster.set(web, slice('web', PODS, port, six));
  const own = PODS.map((pod) => `${pod} ${CLIENT}`);
  const node = PODS.map((pod) => `${pod} ${NODE_ADDRESS_6}`);
  const masked = PODS.map((pod) => `${pod} ${GATEWAY}`);
  assert.deepEqual(await answers(one.client, VIP, 80), own);
  // The source of the node's own packets is chosen before they are translated.
  const fromNode = await answers(one.cluster.network.node, VIP, 80);
  assert.ok(
    [node, masked].some((wanted) => JSON.stringify(wanted) === JSON.stringify(fromNode)),
    fromNode.join(),
  );
  assert.deepEqual(await answers(one.client, NODE_ADDRESS_6, NODE_PORT), masked);
  await one.cluster.network.serveTcp(CLIENT, 8080);
  await one.cluster.set(slice('web', [CLIENT], port, six));
  assert.equal(await askTcp(one.client, VIP, 80), `${CLIENT} ${GATEWAY}`);
  assert.equal(await askTcp(one.client, NODE_ADDRESS_6, NODE_PORT), `${CLIENT} ${GATEWAY}`);
});

testModes('IPv6: refused at once without backends, from a Pod and from the node', async (mode) => {
  await using one = await start(mode);
  const dns: TestPort = { name: 'dns', port: 53, protocol: 'UDP' };
  await one.cluster.set(service('web', VIP, [{ name: 'web', port: 80 }, dns]));
  for (const netns of [one.client, one.cluster.network.node]) {
    assert.equal(await askTcp(netns, VIP, 80), 'ECONNREFUSED');
  }
  const socket = await one.cluster.network.udpSocket(one.client, 0, 6);
  assert.equal(await sendConnected(socket, VIP, 53), 'ECONNREFUSED');
});

testModes(
  'IPv6: an unknown port is refused, an address that nobody has gives no answer',
  async (mode) => {
    await using one = await start(mode);
    await one.cluster.set(web, slice('web', PODS, port, six));
    for (const netns of [one.client, one.cluster.network.node]) {
      const pending = beginTcp(netns, 'fd00:96::99', 80);
      assert.equal(await askTcp(netns, VIP, 81), 'ECONNREFUSED');
      assert.ok(pending.connecting);
      pending.destroy();
    }
  },
  ['nftables'],
);

testModes('IPv6: an open connection outlives its endpoint’s leaving, a UDP flow moves', async (mode) => {
  await using one = await start(mode);
  const [first, second] = PODS;
  for (const pod of [first, second]) await one.cluster.network.serveUdp(pod, 5353);
  const udp: TestPort = { port: 53, protocol: 'UDP' };
  const backend: TestPort = { port: 5353, protocol: 'UDP' };
  await one.cluster.set(web, slice('web', [first], port, six));
  await one.cluster.set(service('dns', 'fd00:96::53', [udp]), slice('dns', [first], [backend], six));
  const connection = await connectTcp(one.client, VIP, 80);
  assert.ok(typeof connection !== 'string');
  const socket = await one.cluster.network.udpSocket(one.client, 0, 6);
  assert.equal(await askUdp(socket, 'fd00:96::53', 53), `${first} ${CLIENT}`);
  await one.cluster.set(slice('web', [], port, six), slice('dns', [], [backend], six));
  await one.cluster.set(slice('web', [second], port, six), slice('dns', [second], [backend], six));
  assert.equal(await askAgain(connection), `${first} ${CLIENT}`);
  assert.equal(await askTcp(one.client, VIP, 80), `${second} ${CLIENT}`);
  assert.equal(await askUdp(socket, 'fd00:96::53', 53), `${second} ${CLIENT}`);
  connection.destroy();
});

testModes('a Service of both families is two, each with its own endpoints', async (mode) => {
  await using one = await start(mode);
  const spec = { clusterIPs: ['10.96.0.50', VIP], ipFamilies: ['IPv4', 'IPv6'] };
  const four = '10.244.0.11';
  await one.cluster.network.serveTcp(four, 8080);
  await one.cluster.set(service('web', '10.96.0.50', [{ port: 80 }], { spec }));
  await one.cluster.set(slice('web', [PODS[0]], port, { ...six, name: 'web-six' }));
  assert.equal(await askTcp(one.client, VIP, 80), `${PODS[0]} ${CLIENT}`);
  assert.equal(await askTcp(one.cluster.client, '10.96.0.50', 80), 'ECONNREFUSED');
  await one.cluster.set(slice('web', [four], port));
  assert.equal(await askTcp(one.cluster.client, '10.96.0.50', 80), `${four} 10.244.0.10`);
  await one.cluster.delete(slice('web', [], port, { ...six, name: 'web-six' }));
  assert.equal(await askTcp(one.client, VIP, 80), 'ECONNREFUSED');
});

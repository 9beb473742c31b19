import assert from 'node:assert/strict';
import type { Service, ServiceSpec } from '#api/generated/types.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import type { ProxyOptions } from './sync.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes, type Mode } from './testing/mode.ts';
import { askTcp, askUdp, cidr, NODE_ADDRESS } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const VIP = '10.96.0.50';
const PODS = ['10.244.0.11', '10.244.0.12', '10.244.0.13', '10.244.0.14'] as const;
const NODE_PORT = 30_080;
const port = [{ port: 8080 }];

async function setup(mode: Mode, options: Partial<ProxyOptions> = {}): Promise<Cluster> {
  const cluster = await Cluster.start(mode, {
    podCidrs: [cidr('10.244.0.0/16')],
    node: { addresses: [NODE_ADDRESS], zone: undefined },
    ...options,
  });
  for (const pod of PODS) await cluster.network.serveTcp(pod, 8080);
  return cluster;
}

function web(seconds: number | undefined, more: Partial<ServiceSpec> = {}): Service {
  const affinity: Partial<ServiceSpec> =
    seconds === undefined
      ? {}
      : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } } };
  const ports = [{ port: 80, nodePort: NODE_PORT }];
  return service('web', VIP, ports, { spec: { type: 'NodePort', ...affinity, ...more } });
}

/** Who answers, of all that ever did in many connections. */
async function backends(netns: number, address: string, number: number, times: number = 24): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < times; i++) seen.add((await askTcp(netns, address, number)).split(' ')[0] ?? '');
  return [...seen].sort();
}

for (const [address, number] of [[VIP, 80] as const, [NODE_ADDRESS, NODE_PORT] as const]) {
  testModes(`a client stays with its backend at ${address}:${number}, whatever happens to the others`, async (mode) => {
    await using cluster = await setup(mode);
    await cluster.set(web(600), slice('web', PODS, port));
    const [mine = '', ...more] = await backends(cluster.client, address, number);
    assert.deepEqual(more, []);
    const others = PODS.filter((pod) => pod !== mine);
    for (const list of [[...others.slice(1), mine], [mine], [others[0] ?? '', mine], PODS.toReversed()]) {
      await cluster.set(slice('web', list, port));
      assert.deepEqual(await backends(cluster.client, address, number, 8), [mine]);
    }
    // Over a restart of the proxy, too.
    await cluster.restart(web(600), slice('web', PODS, port));
    assert.deepEqual(await backends(cluster.client, address, number, 8), [mine]);
    // It goes, and the client takes another one, with which it stays when the first comes back.
    await cluster.set(slice('web', others, port));
    const [next = '', ...rest] = await backends(cluster.client, address, number);
    assert.deepEqual([others.includes(next as (typeof PODS)[number]), rest], [true, []]);
    await cluster.set(slice('web', PODS, port));
    assert.deepEqual(await backends(cluster.client, address, number, 8), [next]);
  });
}

testModes('switched off, clients go everywhere; switched on, they stay; and the time can change', async (mode) => {
  await using cluster = await setup(mode);
  await cluster.set(web(undefined), slice('web', PODS, port));
  assert.deepEqual(await backends(cluster.client, VIP, 80, 60), [...PODS]);
  for (const seconds of [600, 700]) {
    await cluster.set(web(seconds));
    assert.equal((await backends(cluster.client, VIP, 80)).length, 1);
  }
  await cluster.set(web(undefined));
  assert.deepEqual(await backends(cluster.client, VIP, 80, 60), [...PODS]);
});

testModes('a client is forgotten when its time is over', async (mode) => {
  await using cluster = await setup(mode);
  await cluster.set(web(1), slice('web', PODS, port));
  const seen = new Set<string>();
  // Each connection starts the time anew: only a pause longer than it lets the client go.
  while (seen.size < 2) {
    await new Promise((resolve) => cluster.options.clock.after(1300, () => resolve(undefined)));
    seen.add(await askTcp(cluster.client, VIP, 80));
  }
});

testModes('under policy Local outside clients stay with a backend of this node', async (mode) => {
  await using cluster = await setup(mode);
  const outside = cluster.network.addOutside('192.168.0.9');
  const lines = PODS.map((pod, i) => (i < 2 ? pod : `${pod} node=b`));
  await cluster.set(web(600), slice('web', lines, port));
  await backends(outside, NODE_ADDRESS, NODE_PORT, 4);
  await cluster.set(web(600, { externalTrafficPolicy: 'Local' }));
  const [mine = '', ...more] = await backends(outside, NODE_ADDRESS, NODE_PORT);
  assert.deepEqual([PODS.slice(0, 2).includes(mine as (typeof PODS)[0]), more], [true, []]);
});

testModes('UDP and IPv6 clients stay with their backends, too', async (mode) => {
  const serviceCidrs = [cidr('10.96.0.0/12'), cidr('fd00:96::/108')];
  await using cluster = await setup(mode, { serviceCidrs, podCidrs: [cidr('10.244.0.0/16'), cidr('fd00:244::/32')] });
  const { network } = cluster;
  const six = ['fd00:244::11', 'fd00:244::12', 'fd00:244::13'];
  for (const pod of six) await network.serveTcp(pod, 8080);
  for (const pod of PODS) await network.serveUdp(pod, 8080);
  const client = network.addPod('fd00:244::10');
  const spec = { sessionAffinity: 'ClientIP' };
  const udp = [{ port: 53, protocol: 'UDP' as const }];
  await cluster.set(
    service('six', 'fd00:96::50', [{ port: 80 }], { spec }),
    slice('six', six, port, { addressType: 'IPv6' }),
    service('dns', '10.96.0.53', udp, { spec }),
    slice('dns', PODS, [{ port: 8080, protocol: 'UDP' }]),
  );
  assert.equal((await backends(client, 'fd00:96::50', 80)).length, 1);
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) seen.add(await askUdp(await network.udpSocket(cluster.client), '10.96.0.53', 53));
  assert.equal(seen.size, 1);
});

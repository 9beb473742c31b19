import assert from 'node:assert/strict';
import type { Service, ServiceSpec } from '#api/generated/types.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { writeSysctl } from '#netlink/sysctl.ts';
import type { ProxyOptions } from './sync.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes, type Mode } from './testing/mode.ts';
import {
  askTcp,
  askUdp,
  beginTcp,
  cidr,
  ip,
  NODE_ADDRESS,
  NODE_ADDRESS_6,
  sendConnected,
  connectTcp,
} from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const OUTSIDE = '192.168.0.9';
const VIP = '10.96.0.50';
const BALANCER = '203.0.113.5';
const GATEWAY = '10.244.0.1';
const NODE_PORT = 30_080;
const [first, second] = ['10.244.0.11', '10.244.0.12'] as const;

interface Setup extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly outside: number;
}

async function setup(mode: Mode, options: Partial<ProxyOptions> = {}): Promise<Setup> {
  const cluster = await Cluster.start(mode, {
    podCidrs: [cidr('10.244.0.0/16'), cidr('fd00:244::/32')],
    serviceCidrs: [cidr('10.96.0.0/12'), cidr('fd00:96::/108')],
    node: { addresses: [NODE_ADDRESS, NODE_ADDRESS_6], zone: undefined },
    ...options,
  });
  for (const pod of [first, second]) await cluster.network.serveTcp(pod, 8080);
  for (const pod of [first, second]) await cluster.network.serveUdp(pod, 8080);
  return {
    cluster,
    outside: cluster.network.addOutside(OUTSIDE),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

/** A Service with a NodePort, a load balancer's address, and another one. */
function web(spec: Partial<ServiceSpec> = {}): Service {
  const ports = [{ port: 80, nodePort: NODE_PORT }];
  const object = service('web', VIP, ports, { spec: { type: 'LoadBalancer', ...spec } });
  return { ...object, status: { loadBalancer: { ingress: [{ ip: BALANCER }] } } };
}

const port = [{ port: 8080 }];
const here = slice('web', [first], port);
const elsewhere = slice('web', [`${second} node=b`], port);
const both = slice('web', [first, `${second} node=b`], port);
const Local: Partial<ServiceSpec> = { externalTrafficPolicy: 'Local' };

async function answers(netns: number, address: string, number: number, times: number = 40): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < times; i++) seen.add(await askTcp(netns, address, number));
  return [...seen].sort();
}

/** Whether a connection gets no answer, where another one made after it is refused. */
async function isDropped(netns: number, address: string, number: number): Promise<boolean> {
  const pending = beginTcp(netns, address, number);
  await askTcp(netns, NODE_ADDRESS, 1);
  const isPending = pending.connecting;
  pending.destroy();
  return isPending;
}

const anywhere = [`${first} ${GATEWAY}`, `${second} ${GATEWAY}`];

testModes('policy Cluster: outside clients reach every backend, from the address of the node', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web({ externalIPs: ['198.51.100.7'] }), both);
  assert.deepEqual(await answers(one.outside, NODE_ADDRESS, NODE_PORT), anywhere);
  assert.deepEqual(await answers(one.outside, BALANCER, 80), anywhere);
  assert.deepEqual(await answers(one.outside, '198.51.100.7', 80), anywhere);
  assert.deepEqual(await answers(one.cluster.client, BALANCER, 80), anywhere);
  assert.deepEqual(await answers(one.cluster.client, NODE_ADDRESS, NODE_PORT), anywhere);
});

testModes('outside clients reach cluster addresses from the address of the node', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web(), both);
  assert.deepEqual(await answers(one.outside, VIP, 80), anywhere);
  assert.deepEqual(await answers(one.cluster.client, VIP, 80), [`${first} ${CLIENT}`, `${second} ${CLIENT}`]);
});

testModes('policy Local: outside clients keep their address and reach backends of this node only', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web(Local), both);
  const kept = [`${first} ${OUTSIDE}`];
  assert.deepEqual(await answers(one.outside, NODE_ADDRESS, NODE_PORT), kept);
  assert.deepEqual(await answers(one.outside, BALANCER, 80), kept);
});

testModes('policy Local: clients inside reach every backend, Pods from their own address', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web(Local), both);
  const own = [`${first} ${CLIENT}`, `${second} ${CLIENT}`];
  assert.deepEqual(await answers(one.cluster.client, NODE_ADDRESS, NODE_PORT), own);
  assert.deepEqual(await answers(one.cluster.client, BALANCER, 80), own);
  assert.deepEqual(await answers(one.cluster.network.node, NODE_ADDRESS, NODE_PORT), anywhere);
  assert.deepEqual(await answers(one.cluster.network.node, BALANCER, 80), anywhere);
});

testModes('policy Local without local backends: outside clients get no answer, those inside do', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web(Local), elsewhere);
  assert.ok(await isDropped(one.outside, NODE_ADDRESS, NODE_PORT));
  assert.ok(await isDropped(one.outside, BALANCER, 80));
  assert.equal(await askTcp(one.cluster.client, BALANCER, 80), `${second} ${CLIENT}`);
  await one.cluster.set(here);
  assert.equal(await askTcp(one.outside, BALANCER, 80), `${first} ${OUTSIDE}`);
});

for (const policy of ['Cluster', 'Local']) {
  testModes(`policy ${policy} without any backend: everybody is refused`, async (mode) => {
    await using one = await setup(mode);
    await one.cluster.set(web({ externalTrafficPolicy: policy, externalIPs: [NODE_ADDRESS] }));
    for (const netns of [one.outside, one.cluster.client, one.cluster.network.node]) {
      assert.equal(await askTcp(netns, NODE_ADDRESS, NODE_PORT), 'ECONNREFUSED');
      assert.equal(await askTcp(netns, NODE_ADDRESS, 80), 'ECONNREFUSED');
      // In mode iptables, as in kube-proxy's, the node's own packets leave for the load balancer itself.
      if (mode !== 'nftables' && netns === one.cluster.network.node) continue;
      assert.equal(await askTcp(netns, BALANCER, 80), 'ECONNREFUSED');
    }
  });
}

testModes(
  'internalTrafficPolicy Local: only backends of this node, for Pods and for the node; no answer without',
  async (mode) => {
    await using one = await setup(mode);
    await one.cluster.set(service('web', VIP, [{ port: 80 }], { spec: { internalTrafficPolicy: 'Local' } }), both);
    assert.deepEqual(await answers(one.cluster.client, VIP, 80), [`${first} ${CLIENT}`]);
    assert.deepEqual(await answers(one.cluster.network.node, VIP, 80), [`${first} ${GATEWAY}`]);
    await one.cluster.set(elsewhere);
    assert.ok(await isDropped(one.cluster.client, VIP, 80));
    await one.cluster.set(slice('web', [], port));
    assert.equal(await askTcp(one.cluster.client, VIP, 80), 'ECONNREFUSED');
  },
);

const drainCases = [
  ['internal Cluster', {}, 'inside', [`${first} ${CLIENT}`, `${second} ${CLIENT}`]],
  ['internal Local', { internalTrafficPolicy: 'Local' }, 'inside', [`${first} ${CLIENT}`]],
  ['external Cluster', {}, 'outside', anywhere],
  ['external Local', Local, 'outside', [`${first} ${OUTSIDE}`]],
] as const;
for (const [name, spec, from, expected] of drainCases) {
  testModes(`backends that only terminate get traffic under policy ${name}`, async (mode) => {
    await using one = await setup(mode);
    const lines = [`${first} terminating`, `${second} terminating node=b`, '10.244.0.13 notready'];
    await one.cluster.set(web(spec), slice('web', lines, port));
    const inside = from === 'inside';
    const netns = inside ? one.cluster.client : one.outside;
    assert.deepEqual(await answers(netns, inside ? VIP : BALANCER, 80), expected);
  });
}

testModes('NodePorts answer at chosen addresses, at localhost, and nowhere else', async (mode) => {
  await using one = await setup(mode, { nodePortAddresses: [cidr('192.168.0.0/24')] });
  await one.cluster.set(web(), both);
  assert.deepEqual(await answers(one.outside, '192.168.0.2', NODE_PORT), anywhere);
  assert.equal(await askTcp(one.outside, NODE_ADDRESS, NODE_PORT), 'ECONNREFUSED');
  assert.deepEqual(await answers(one.cluster.network.node, '127.0.0.1', NODE_PORT), anywhere);
});

testModes(
  'NodePorts answer at the primary address alone, in mode iptables at all addresses of the node',
  async (mode) => {
    await using one = await setup(mode);
    await one.cluster.set(web(), both);
    assert.deepEqual(await answers(one.outside, NODE_ADDRESS, NODE_PORT), anywhere);
    const seen = mode === 'nftables' ? ['ECONNREFUSED'] : anywhere;
    assert.deepEqual(await answers(one.outside, '192.168.0.2', NODE_PORT), seen);
  },
);

testModes('where localhost is not wanted, 127.0.0.1 is left alone', async (mode) => {
  await using one = await setup(mode, { localhostNodePorts: false });
  await one.cluster.set(web(), both);
  assert.equal(await askTcp(one.cluster.network.node, '127.0.0.1', NODE_PORT), 'ECONNREFUSED');
});

testModes(
  'where the node sends from 127.0.0.1, its connections to cluster addresses work all the same',
  async (mode) => {
    await using one = await setup(mode, { podCidrs: [] });
    const { node } = one.cluster.network;
    inNetns(node, () => writeSysctl('net.ipv4.conf.all.route_localnet', 1));
    using rtnetlink = inNetns(node, () => RtnetlinkSocket.open());
    rtnetlink.replaceRoute({ destination: cidr('10.96.0.0/12'), link: 1 });
    await one.cluster.set(web(), both);
    assert.deepEqual(await answers(node, VIP, 80), anywhere);
  },
  // Nor has kube-proxy's mode iptables a rule for it.
  ['nftables'],
);

testModes('a NodePort over UDP reaches a backend, and another one when that is gone', async (mode) => {
  await using one = await setup(mode);
  const udp = [{ port: 53, nodePort: 30_053, protocol: 'UDP' as const }];
  const backend = [{ port: 8080, protocol: 'UDP' as const }];
  const socket = await one.cluster.network.udpSocket(one.outside);
  await one.cluster.set(service('dns', VIP, udp, { spec: { type: 'NodePort' } }), slice('dns', [first], backend));
  assert.equal(await askUdp(socket, NODE_ADDRESS, 30_053), `${first} ${GATEWAY}`);
  await one.cluster.set(slice('dns', [], backend));
  await one.cluster.set(slice('dns', [second], backend));
  assert.equal(await askUdp(socket, NODE_ADDRESS, 30_053), `${second} ${GATEWAY}`);
  await one.cluster.set(slice('dns', [], backend));
  const other = await one.cluster.network.udpSocket(one.outside);
  assert.equal(await sendConnected(other, NODE_ADDRESS, 30_053), 'ECONNREFUSED');
});

testModes('a UDP flow from before its external address was one is translated from then on', async (mode) => {
  await using one = await setup(mode);
  const udp = [{ port: 53, protocol: 'UDP' as const }];
  const dns = service('dns', VIP, udp, { spec: { externalIPs: [BALANCER] } });
  const socket = await one.cluster.network.udpSocket(one.outside);
  // Until it is an external address, somebody else has it.
  const target = one.cluster.network.addPod(BALANCER);
  const listener = await one.cluster.network.udpSocket(target, 53);
  const heard = new Promise((resolve) => listener.once('message', resolve));
  socket.send('who?', 53, BALANCER);
  await heard;
  await one.cluster.set(dns, slice('dns', [first], [{ port: 8080, protocol: 'UDP' }]));
  assert.equal(await askUdp(socket, BALANCER, 53), `${first} ${GATEWAY}`);
});

testModes('loadBalancerSourceRanges let in only those named, and only at the load balancer', async (mode) => {
  await using one = await setup(mode);
  const stranger = one.cluster.network.addPod('192.168.7.7');
  const restricted = web({ loadBalancerSourceRanges: ['192.168.0.0/24', '192.168.0.9/32'] });
  await one.cluster.set(restricted, both);
  assert.deepEqual(await answers(one.outside, BALANCER, 80), anywhere);
  assert.ok(await isDropped(stranger, BALANCER, 80));
  assert.deepEqual(await answers(stranger, NODE_ADDRESS, NODE_PORT), anywhere);
  await one.cluster.set(web({ loadBalancerSourceRanges: ['192.168.7.0/24'] }));
  assert.deepEqual(await answers(stranger, BALANCER, 80), anywhere);
  assert.ok(await isDropped(one.outside, BALANCER, 80));
  await one.cluster.set(web());
  assert.deepEqual(await answers(one.outside, BALANCER, 80), anywhere);
});

testModes(
  'where the load balancer’s address is the node’s own, source ranges that hold the node hold it, too',
  async (mode) => {
    await using one = await setup(mode);
    const { node } = one.cluster.network;
    using rtnetlink = inNetns(node, () => RtnetlinkSocket.open());
    // Some load balancers are made known to the node so: it asks from the address that it asks at.
    rtnetlink.addAddress({ ip: ip(BALANCER), prefix: 32, link: 1 });
    await one.cluster.set(web({ loadBalancerSourceRanges: ['172.18.0.0/24'] }), both);
    assert.deepEqual(await answers(node, BALANCER, 80), anywhere);
    await one.cluster.set(web({ loadBalancerSourceRanges: ['172.19.0.0/24'] }));
    assert.ok(await isDropped(node, BALANCER, 80));
  },
);

testModes('a Service that changes its policy changes it for the next connection; open ones stay', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.set(web(), here);
  const open = await connectTcp(one.outside, BALANCER, 80);
  assert.ok(typeof open !== 'string');
  await one.cluster.set(web(Local));
  assert.equal(await askTcp(one.outside, BALANCER, 80), `${first} ${OUTSIDE}`);
  await one.cluster.set(web());
  assert.equal(await askTcp(one.outside, BALANCER, 80), `${first} ${GATEWAY}`);
  await one.cluster.set(service('web', VIP, [{ port: 80 }]));
  assert.equal(await askTcp(one.outside, NODE_ADDRESS, NODE_PORT), 'ECONNREFUSED');
  assert.equal(open.readyState, 'open');
  open.destroy();
});

testModes('another mark', async (mode) => {
  await using one = await setup(mode, { masqueradeMark: 0x100 });
  await one.cluster.set(web(), both);
  assert.deepEqual(await answers(one.outside, BALANCER, 80), anywhere);
  await assert.rejects(Cluster.start(mode, { masqueradeMark: 3 }), /Cannot mark packets with 3/);
});

testModes('IPv6: cluster address, NodePort, load balancer, policies', async (mode) => {
  await using one = await setup(mode);
  const { network } = one.cluster;
  const pods = ['fd00:244::11', 'fd00:244::12'] as const;
  for (const pod of pods) await network.serveTcp(pod, 8080);
  const client = network.addPod('fd00:244::10');
  const outside = network.addOutside('fd00:192::9');
  const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['fd00:192::/64', 'fd00:244::/32'] };
  const six = (more: Partial<ServiceSpec>): Service => ({
    ...service('six', 'fd00:96::50', [{ port: 80, nodePort: NODE_PORT }], { spec: { ...spec, ...more } }),
    status: { loadBalancer: { ingress: [{ ip: '2001:db8::5' }] } },
  });
  const type = { addressType: 'IPv6' };
  await one.cluster.set(six({}), slice('six', [pods[0], `${pods[1]} node=b`], port, type));
  const masked = pods.map((pod) => `${pod} fd00:244::1`);
  assert.deepEqual(
    await answers(client, 'fd00:96::50', 80),
    pods.map((pod) => `${pod} fd00:244::10`),
  );
  assert.deepEqual(await answers(outside, NODE_ADDRESS_6, NODE_PORT), masked);
  assert.deepEqual(await answers(outside, '2001:db8::5', 80), masked);
  await one.cluster.set(six(Local));
  assert.deepEqual(await answers(outside, NODE_ADDRESS_6, NODE_PORT), [`${pods[0]} fd00:192::9`]);
  assert.deepEqual(await answers(outside, '2001:db8::5', 80), [`${pods[0]} fd00:192::9`]);
  await one.cluster.set(slice('six', [], port, type));
  assert.equal(await askTcp(outside, NODE_ADDRESS_6, NODE_PORT), 'ECONNREFUSED');
  assert.equal(await askTcp(client, 'fd00:96::50', 80), 'ECONNREFUSED');
});

testModes(
  'ports that a load balancer of ours does not have are refused, those of another machine are its own',
  async (mode) => {
    const six = 'fd00:192::5';
    await using one = await setup(mode, { loadBalancerCidrs: [cidr('203.0.113.0/28'), cidr('fd00:192::/64')] });
    const { client, network } = one.cluster;
    network.addOutside('fd00:192::9');
    const balancers = (vip: string, ...ips: string[]): Service => ({
      ...service(vip, vip, [{ port: 80 }], {
        spec: { type: 'LoadBalancer', ...Local, loadBalancerSourceRanges: ['198.51.100.0/24'] },
      }),
      status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
    });
    await one.cluster.set(balancers(VIP, BALANCER, '203.0.113.77'), balancers('fd00:96::50', six), elsewhere);
    for (const netns of [client, network.node, one.outside]) {
      assert.equal(await askTcp(netns, BALANCER, 81), 'ECONNREFUSED');
    }
    assert.equal(await askTcp(network.addPod('fd00:244::10'), six, 81), 'ECONNREFUSED');
    // Outside of the range a machine may be there, which has other ports.
    assert.ok(await isDropped(client, '203.0.113.77', 81));
    const socket = await network.udpSocket(client);
    assert.equal(await sendConnected(socket, BALANCER, 80), 'ECONNREFUSED');
    // Whom the source ranges keep out, and who asks a node without endpoints, hears nothing; nor who asks for no Service.
    assert.ok(await isDropped(one.outside, BALANCER, 80));
    await one.cluster.delete(balancers(VIP, BALANCER));
    await one.cluster.set(web(Local), elsewhere);
    assert.ok(await isDropped(one.outside, BALANCER, 80));
    assert.ok(await isDropped(one.outside, '203.0.113.6', 80));
  },
  ['nftables'],
);

testModes('a Pod reaches itself through a NodePort and a load balancer, under either policy', async (mode) => {
  await using one = await setup(mode);
  await one.cluster.network.serveTcp(CLIENT, 8080);
  for (const spec of [{}, Local]) {
    await one.cluster.set(web(spec), slice('web', [CLIENT], port));
    for (const [address, number] of [
      [NODE_ADDRESS, NODE_PORT],
      [BALANCER, 80],
      [VIP, 80],
    ] as const) {
      assert.equal(await askTcp(one.cluster.client, address, number), `${CLIENT} ${GATEWAY}`);
    }
  }
});

testModes(
  'hints keep traffic in the zone of the node while all endpoints have one; the node may move',
  async (mode) => {
    await using one = await setup(mode, { node: { addresses: [NODE_ADDRESS], zone: 'z1' } });
    const hinted = (zones: readonly (string | undefined)[]): ReturnType<typeof slice> => {
      const object = slice('web', [first, `${second} node=b`], port);
      const endpoints = object.endpoints?.map((endpoint, i) => {
        const zone = zones[i];
        return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } };
      });
      return { ...object, ...(endpoints === undefined ? {} : { endpoints }) };
    };
    await one.cluster.set(web(), hinted(['z1', 'z2']));
    assert.deepEqual(await answers(one.cluster.client, VIP, 80), [`${first} ${CLIENT}`]);
    assert.deepEqual(await answers(one.outside, BALANCER, 80), [`${first} ${GATEWAY}`]);
    one.cluster.proxy.setNode({ addresses: [NODE_ADDRESS], zone: 'z2' });
    await one.cluster.proxy.settled();
    assert.deepEqual(await answers(one.cluster.client, VIP, 80), [`${second} ${CLIENT}`]);
    await one.cluster.set(hinted(['z1', undefined]));
    assert.deepEqual(await answers(one.cluster.client, VIP, 80), [`${first} ${CLIENT}`, `${second} ${CLIENT}`]);
  },
);

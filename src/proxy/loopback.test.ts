/** What listens at 127.0.0.1 of the node, which NodePorts there open to more than the node itself: who reaches it. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { writeSysctl } from '#netlink/sysctl.ts';
import type { ProxyOptions } from './sync.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes, type Mode } from './testing/mode.ts';
import { cidr, ip, NODE_ADDRESS } from './testing/network.ts';

isolateTestFile();
settleInOwnNetns();

const LOCALHOST = '127.0.0.1';
const PORT = 9999;
const NEIGHBOUR = '192.168.0.9';

async function socketAt(netns: number, address: string, port: number = 0): Promise<dgram.Socket> {
  const { fd } = inNetns(netns, () => openListenSocket({ protocol: 'udp', address: ip(address), port }));
  const socket = dgram.createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind({ fd });
  await listening;
  return socket;
}

/** A machine that sends what is for 127.0.0.1 to the node. */
function addNeighbour({ network }: Cluster): number {
  const netns = network.addOutside(NEIGHBOUR);
  using rtnetlink = inNetns(netns, () => RtnetlinkSocket.open());
  inNetns(netns, () => writeSysctl('net.ipv4.conf.all.route_localnet', 1));
  rtnetlink.deleteAddress({ ip: ip(LOCALHOST), prefix: 8, link: 1 });
  const link = rtnetlink.getLink('eth0')?.index ?? 0;
  rtnetlink.addRoute({ destination: cidr('127.0.0.1/32'), gateway: ip('192.168.0.2'), link });
  return netns;
}

/** Who of a neighbour, the node and the node from its other address reaches 127.0.0.1 at the node. */
async function reaches(mode: Mode, options: Partial<ProxyOptions>): Promise<readonly string[]> {
  await using cluster = await Cluster.start(mode, options);
  const { node } = cluster.network;
  const neighbour = addNeighbour(cluster);
  const server = await socketAt(node, '0.0.0.0', PORT);
  const heard: string[] = [];
  const clients: dgram.Socket[] = [];
  try {
    server.on('message', (message) => heard.push(message.toString()));
    for (const [who, netns, address] of [
      ['neighbour', neighbour, NEIGHBOUR],
      ['node', node, LOCALHOST],
      ['node from elsewhere', node, NODE_ADDRESS],
    ] as const) {
      const client = await socketAt(netns, address);
      clients.push(client);
      // What the node's own rules drop fails as it is sent.
      await new Promise<void>((resolve) => client.send(who, PORT, LOCALHOST, () => resolve()));
    }
    // By the same way, after them.
    const last = once(server, 'message');
    clients[0]?.send('', PORT, NODE_ADDRESS);
    await last;
    while (heard.at(-1) !== '') await once(server, 'message');
    return heard.slice(0, -1);
  } finally {
    for (const socket of [server, ...clients]) socket.close();
  }
}

testModes('neighbours do not reach what listens at 127.0.0.1; the node does', async (mode) => {
  const node = ['node', 'node from elsewhere'];
  assert.deepEqual(await reaches(mode, { isLocalhostShared: true }), node);
  // As kube-proxy has it.
  assert.deepEqual(await reaches(mode, {}), mode === 'nftables' ? node : ['node']);
  // Where the kernel is as it is without NodePorts there, rules have no part in it.
  assert.deepEqual(await reaches(mode, { localhostNodePorts: false }), ['neighbour', ...node]);
});

import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import test from 'node:test';
import type { Service } from '#api/generated/types.ts';
import { ManualClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { openConnectSocket, openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '#netlink/socket.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import type { Transaction } from '#nftables/transaction.ts';
import { Proxy, type ObjectChange } from './sync.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { cidr, connectTcp, ip, Network, NODE_ADDRESS } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const PORT = 31_000;

async function ask(netns: number): Promise<string> {
  const request = get({
    path: '/healthz',
    createConnection: () =>
      new net.Socket({ fd: inNetns(netns, () => openConnectSocket(4)) }).connect({ host: NODE_ADDRESS, port: PORT }),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const weight = response.headers['x-load-balancing-endpoint-weight'];
  return `${response.statusCode} ${String(weight)} ${text}`;
}

testModes('load balancers learn whether the node has ready backends', async (mode) => {
  let opened: ((port: number) => { fd: number }) | undefined;
  await using cluster = await Cluster.start(mode, { openHealthCheck: (port) => opened?.(port) ?? { fd: -1 } });
  const { node } = cluster.network;
  opened = (port) => inNetns(node, () => openListenSocket({ protocol: 'tcp', address: ip('0.0.0.0'), port }));
  const outside = cluster.network.addOutside('192.168.0.9');
  const web = (externalTrafficPolicy: string): Service =>
    service('web', '10.96.0.50', [{ port: 80 }], {
      spec: { type: 'LoadBalancer', externalTrafficPolicy, healthCheckNodePort: PORT },
    });
  const endpoints = (...lines: readonly string[]): ReturnType<typeof slice> => slice('web', lines, [{ port: 8080 }]);
  const says = (code: number, localEndpoints: number): string =>
    `${code} ${localEndpoints} {"service":{"namespace":"default","name":"web"},"localEndpoints":${localEndpoints},"serviceProxyHealthy":true}`;
  await cluster.set(
    web('Local'),
    endpoints('10.244.0.11', '10.244.0.12', '10.244.0.13 node=b', '10.244.0.14 notready'),
  );
  assert.equal(await ask(outside), says(200, 2));
  await cluster.set(endpoints('10.244.0.11 terminating', '10.244.0.13 node=b'));
  assert.equal(await ask(outside), says(503, 0));
  await cluster.set(endpoints('10.244.0.11'));
  assert.equal(await ask(outside), says(200, 1));
  await cluster.set(web('Cluster'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await connectTcp(outside, NODE_ADDRESS, PORT), 'ECONNREFUSED');
});

/** Refuses all from a moment on. */
class RefusingSocket extends NftablesSocket {
  isRefusing = false;

  override commit(what: Transaction): number {
    if (this.isRefusing) throw new Error('ENOMEM');
    return super.commit(what);
  }
}

const local = { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: PORT } } as const;

test('a port that somebody has is asked for again; rules that cannot be programmed count after a minute', async () => {
  await using network = new Network();
  const outside = network.addOutside('192.168.0.9');
  const clock = new ManualClock();
  using socket = inNetns(network.node, () => new RefusingSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER })));
  const said: string[] = [];
  let isTaken = true;
  using proxy = new Proxy({
    nodeName: 'a',
    socket,
    serviceCidrs: [cidr('10.96.0.0/12')],
    openHealthCheck: (port) => {
      if (isTaken) throw new Error('EADDRINUSE');
      return inNetns(network.node, () => openListenSocket({ protocol: 'tcp', address: ip('0.0.0.0'), port }));
    },
    clock,
    log: createLog('proxy', ({ level, message }) => said.push(`${level} ${message}`)),
  });
  proxy.start();
  const set = (object: ObjectChange['object']): void => proxy.apply([{ kind: 'set', object }]);
  set(service('web', '10.96.0.50', [{ port: 80 }], local));
  set(slice('web', ['10.244.0.11'], [{ port: 8080 }]));
  await clock.advance(12_000);
  assert.deepEqual(said.splice(0), ['error health check port not opened']);
  isTaken = false;
  await clock.advance(5000);
  const code = async (): Promise<string> => (await ask(outside)).split(' ')[0] ?? '';
  assert.equal(await code(), '200');
  socket.isRefusing = true;
  set(slice('web', ['10.244.0.11', '10.244.0.12'], [{ port: 8080 }]));
  await clock.advance(59_000);
  assert.equal(await code(), '200');
  await clock.advance(1000);
  assert.match(await ask(outside), /^503 .*"serviceProxyHealthy":false}$/);
  socket.isRefusing = false;
  await clock.advance(60_000);
  assert.equal(await code(), '200');
});

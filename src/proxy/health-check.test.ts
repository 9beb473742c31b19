import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { type Service } from '#api/generated/types.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { openConnectSocket, openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { connectTcp, ip, NODE_ADDRESS } from './testing/network.ts';
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

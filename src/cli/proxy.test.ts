import assert from 'node:assert/strict';
import test from 'node:test';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { askTcp } from '#proxy/testing/network.ts';
import { ProxyNode, until } from './testing/proxy-node.ts';

isolateTestFile();
settleInOwnNetns();

const CLIENT = '10.244.0.10';
const POD = '10.244.0.11';
const VIP = '10.96.0.50';
const READY = 'rules follow the cluster';

async function addService(
  node: ProxyNode,
  name: string,
  clusterIP: string,
  endpoints: readonly string[],
): Promise<void> {
  const { server } = node;
  const spec = { clusterIP, ports: [{ port: 80 }] };
  await server.post('/api/v1/namespaces/default/services', { metadata: { name }, spec });
  await server.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'a' })),
  });
}

function tables(node: ProxyNode): readonly string[] {
  using socket = inNetns(node.network.node, () => NftablesSocket.open());
  return (['ip', 'ip6'] as const).filter((family) => socket.readTable(family, 'clusterip') !== undefined);
}

test('from a Service in the API to packets; the rules outlive the process, until they are cleaned up', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const client = node.network.addPod(CLIENT);
  await node.network.serveTcp(POD, 8080);
  await addService(node, 'web', VIP, [POD]);
  const args = ['--kubeconfig', await node.kubeconfig(), '--node-name', 'a', '--cluster-cidr', '10.244.0.0/16'];
  const first = node.proxy(...args);
  await until('ready', () => first.stderr().includes(READY));
  assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
  await addService(node, 'other', '10.96.0.51', [POD]);
  await until('the other answers', async () => (await askTcp(client, '10.96.0.51', 80)) === `${POD} ${CLIENT}`);
  first.child.kill('SIGTERM');
  assert.deepEqual((await first.finished).code, 0, first.stderr());
  assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
  const cleanup = await node.proxy('--cleanup').finished;
  assert.deepEqual(cleanup, {
    code: 0,
    stdout: 'removed table ip clusterip\nremoved table ip6 clusterip\n',
    stderr: '',
  });
  assert.deepEqual(tables(node), []);
  assert.equal((await node.proxy('--cleanup').finished).stdout, 'nothing to remove\n');
});

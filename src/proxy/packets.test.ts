import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { askAgain, askTcp, askUdp, beginTcp, connectTcp, NODE_ADDRESS, sendConnected } from './testing/network.ts';
import { service, slice, type TestPort } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const BACKENDS = ['10.244.0.11', '10.244.0.12', '10.244.0.13'];
const VIP = '10.96.0.50';
const tcp: TestPort = { port: 80 };

testModes('TCP through the cluster address reaches every backend, from the address of the client', async (mode) => {
  await using cluster = await Cluster.start(mode);
  for (const pod of BACKENDS) await cluster.network.serveTcp(pod, 8080);
  await cluster.set(service('web', VIP, [tcp]), slice('web', BACKENDS, [{ port: 8080 }]));
  const answers = new Set<string>();
  for (let i = 0; i < 60; i++) answers.add(await askTcp(cluster.client, VIP, 80));
  assert.deepEqual(
    [...answers].sort(),
    BACKENDS.map((pod) => `${pod} ${CLIENT}`),
  );
});

testModes('UDP reaches a backend, and another one when that is gone, even the last one', async (mode) => {
  await using cluster = await Cluster.start(mode);
  const [first = '', second = ''] = BACKENDS;
  for (const pod of [first, second]) await cluster.network.serveUdp(pod, 5353);
  const port: TestPort = { port: 53, protocol: 'UDP' };
  const backend: TestPort = { port: 5353, protocol: 'UDP' };
  await cluster.set(service('dns', VIP, [port]), slice('dns', [first], [backend]));
  const socket = await cluster.network.udpSocket(cluster.client);
  assert.equal(await askUdp(socket, VIP, 53), `${first} ${CLIENT}`);
  await cluster.set(slice('dns', [], [backend]));
  await cluster.set(slice('dns', [second], [backend]));
  assert.equal(await askUdp(socket, VIP, 53), `${second} ${CLIENT}`);
});

testModes('a UDP flow to a backend that stays is left alone', async (mode) => {
  await using cluster = await Cluster.start(mode);
  for (const pod of BACKENDS) await cluster.network.serveUdp(pod, 5353);
  const backend: TestPort = { port: 5353, protocol: 'UDP' };
  await cluster.set(service('dns', VIP, [{ port: 53, protocol: 'UDP' }]), slice('dns', BACKENDS, [backend]));
  const socket = await cluster.network.udpSocket(cluster.client);
  const [pod = ''] = (await askUdp(socket, VIP, 53)).split(' ');
  for (const only of [[...BACKENDS, '10.244.0.99'], [pod, '10.244.0.99'], [pod]]) {
    await cluster.set(slice('dns', only, [backend]));
    assert.equal(await askUdp(socket, VIP, 53), `${pod} ${CLIENT}`);
  }
});

testModes('a Pod reaches itself through its own Service', async (mode) => {
  await using cluster = await Cluster.start(mode);
  await cluster.network.serveTcp(CLIENT, 8080);
  await cluster.set(service('web', VIP, [tcp]), slice('web', [CLIENT], [{ port: 8080 }]));
  assert.equal(await askTcp(cluster.client, VIP, 80), `${CLIENT} 10.244.0.1`);
});

testModes('the node itself reaches a Service', async (mode) => {
  await using cluster = await Cluster.start(mode);
  for (const pod of BACKENDS) await cluster.network.serveTcp(pod, 8080);
  await cluster.set(service('web', VIP, [tcp]), slice('web', BACKENDS, [{ port: 8080 }]));
  const answers = new Set<string>();
  for (let i = 0; i < 60; i++) answers.add(await askTcp(cluster.network.node, VIP, 80));
  assert.deepEqual(
    [...answers].sort(),
    BACKENDS.map((pod) => `${pod} ${NODE_ADDRESS}`),
  );
});

for (const from of ['a Pod', 'the node'] as const) {
  testModes(`a connection from ${from} is refused at once without backends`, async (mode) => {
    await using cluster = await Cluster.start(mode);
    const netns = from === 'a Pod' ? cluster.client : cluster.network.node;
    await cluster.set(service('web', VIP, [tcp, { name: 'dns', port: 53, protocol: 'UDP' }]));
    assert.equal(await askTcp(netns, VIP, 80), 'ECONNREFUSED');
    const socket = await cluster.network.udpSocket(netns);
    // The node's route to the range is by its loopback, over which the kernel sends itself no ICMP.
    assert.equal(await sendConnected(socket, VIP, 53), from === 'a Pod' ? 'ECONNREFUSED' : 'EPERM');
  });

  // Mode iptables lets these pass to wherever the node's routes lead, as kube-proxy's does.
  const refusing = ['nftables'] as const;
  testModes(
    `a connection from ${from} to an unknown port is refused at once`,
    async (mode) => {
      await using cluster = await Cluster.start(mode);
      const netns = from === 'a Pod' ? cluster.client : cluster.network.node;
      await cluster.set(service('web', VIP, [tcp]));
      assert.equal(await askTcp(netns, VIP, 81), 'ECONNREFUSED');
      const socket = await cluster.network.udpSocket(netns);
      assert.equal(await sendConnected(socket, VIP, 53), from === 'a Pod' ? 'ECONNREFUSED' : 'EPERM');
    },
    refusing,
  );

  testModes(
    `a connection from ${from} to an address that nobody has gets no answer and goes nowhere`,
    async (mode) => {
      await using cluster = await Cluster.start(mode);
      const netns = from === 'a Pod' ? cluster.client : cluster.network.node;
      await cluster.set(service('web', VIP, [tcp]));
      const pending = beginTcp(netns, '10.96.0.99', 80);
      // Whatever the kernel would say to the first, it would have said before it refused the second.
      assert.equal(await askTcp(netns, VIP, 80), 'ECONNREFUSED');
      assert.ok(pending.connecting);
      pending.destroy();
    },
    refusing,
  );
}

testModes('endpoints that are not ready get nothing; terminating ones only when there are no others', async (mode) => {
  await using cluster = await Cluster.start(mode);
  const [first = '', second = ''] = BACKENDS;
  for (const pod of [first, second]) await cluster.network.serveTcp(pod, 8080);
  const port = [{ port: 8080 }];
  await cluster.set(service('web', VIP, [tcp]), slice('web', [first, `${second} terminating`], port));
  const answers = new Set<string>();
  for (let i = 0; i < 20; i++) answers.add(await askTcp(cluster.client, VIP, 80));
  assert.deepEqual([...answers], [`${first} ${CLIENT}`]);
  await cluster.set(slice('web', [`${first} notready`, `${second} terminating`], port));
  assert.equal(await askTcp(cluster.client, VIP, 80), `${second} ${CLIENT}`);
  await cluster.set(slice('web', [`${first} notready`], port));
  assert.equal(await askTcp(cluster.client, VIP, 80), 'ECONNREFUSED');
});

testModes('an open connection outlives every change around it', async (mode) => {
  await using cluster = await Cluster.start(mode);
  for (const pod of BACKENDS) await cluster.network.serveTcp(pod, 8080);
  await cluster.set(service('web', VIP, [tcp]), slice('web', BACKENDS, [{ port: 8080 }]));
  const connection = await connectTcp(cluster.client, VIP, 80);
  assert.ok(typeof connection !== 'string');
  const before = await askAgain(connection);
  await cluster.set(slice('web', ['10.244.0.99'], [{ port: 8080 }]));
  assert.equal(await askAgain(connection), before);
  await cluster.delete(service('web', VIP, [tcp]));
  assert.equal(await askAgain(connection), before);
  connection.destroy();
});

testModes('a deleted Service stops answering', async (mode) => {
  await using cluster = await Cluster.start(mode);
  const [pod = ''] = BACKENDS;
  await cluster.network.serveTcp(pod, 8080);
  await cluster.set(
    service('web', VIP, [tcp]),
    service('other', '10.96.0.51', [tcp]),
    slice('web', [pod], [{ port: 8080 }]),
  );
  assert.equal(await askTcp(cluster.client, VIP, 80), `${pod} ${CLIENT}`);
  await cluster.set(slice('web', [pod], [{ port: 8080 }]));
  await cluster.delete(service('web', VIP, [tcp]));
  await cluster.set(service('other', VIP, [tcp]));
  assert.equal(await askTcp(cluster.client, VIP, 80), 'ECONNREFUSED');
});

testModes('no connection fails while backends come and go', async (mode) => {
  await using cluster = await Cluster.start(mode);
  for (const pod of BACKENDS) await cluster.network.serveTcp(pod, 8080);
  await cluster.set(service('web', VIP, [tcp]), slice('web', BACKENDS, [{ port: 8080 }]));
  const state = { isRunning: true, changes: 0 };
  const flip = async (): Promise<void> => {
    while (state.isRunning) {
      await cluster.set(slice('web', BACKENDS.slice(state.changes % 3), [{ port: 8080 }]));
      state.changes++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const flipping = flip();
  const failures: string[] = [];
  // Programs take longer than system calls.
  const enough = mode === 'nftables' ? 100 : 20;
  for (let i = 0; i < 300 || state.changes < enough; i++) {
    const answer = await askTcp(cluster.client, VIP, 80);
    if (!answer.endsWith(CLIENT)) failures.push(answer);
  }
  state.isRunning = false;
  await flipping;
  assert.deepEqual(failures, []);
});

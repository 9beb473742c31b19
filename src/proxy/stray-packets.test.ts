import assert from 'node:assert/strict';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { askAgain, askTcp, connectTcp } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';
import { RawScript, STRAY_PACKET } from './testing/raw-packets.ts';

isolateTestFile();
settleInOwnNetns();

const VIP = '10.96.0.50';
const POD = '10.244.0.11';

testModes('a packet that belongs to no connection does not reset the one that it strayed from', async (mode) => {
  await using cluster = await Cluster.start(mode);
  await cluster.network.serveTcp(POD, 8080);
  await cluster.set(service('web', VIP, [{ port: 80 }]), slice('web', [POD], [{ port: 8080 }]));
  const connection = await connectTcp(cluster.client, VIP, 80);
  assert.ok(typeof connection !== 'string');
  using stray = new RawScript(cluster.network.pod(POD), STRAY_PACKET, POD, 8080);
  assert.equal(await stray.line(), 'listening');
  const answer = await askAgain(connection);
  assert.equal(await stray.line(), 'sent');
  // Whatever it did on its way, it has done before another connection is made.
  await askTcp(cluster.client, VIP, 80);
  assert.equal(await askAgain(connection), answer);
  connection.destroy();
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import type { Node } from '#api/generated/types.ts';
import { nodes as nodeResource } from '#api/resource.ts';
import { systemClock } from '#base/clock.ts';
import { MNT_DETACH, mount, umount } from '#netlink/mount.ts';
import { SandboxRuntime } from '../sandbox/runtime-agent.ts';
import { isolateTests } from '../testing/isolated.ts';
import { isReady } from '../testing/pod-summary.ts';
import { TestNodes } from '../testing/test-nodes.ts';
import { KUBELET_DISK_POLICY } from './disk-threshold.ts';

const sleeper = { command: ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait'] };
const storage = {
  ...sleeper,
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
};
const volumes = [{ name: 'v', emptyDir: {} }];

isolateTests(import.meta.url, () => {
  // Before the thread is moved: its pool works on files where it was.
  const directory = mkdtempSync(`${tmpdir()}/clusterip-pressure-`);
  mount('tmpfs', directory, 'tmpfs', 0, 'size=32m');
  after(() => {
    umount(directory, MNT_DETACH);
    rmdirSync(directory);
  });
  const runtime = new SandboxRuntime(systemClock);

  test('a disk that fills up costs images first, then the Pod that fills it, and no other', async () => {
    const diskPolicy = { ...KUBELET_DISK_POLICY, periodMs: 50, transitionMs: 400, imageMinimumAgeMs: 0 };
    await using nodes = await TestNodes.start(runtime, 1, { directory, diskPolicy });
    const images = runtime.images(`${nodes.stateDir}/.images`);
    const config = { architecture: '', env: [], entrypoint: [], command: [], workingDir: '', user: '', diffIds: [] };
    images.save('docker.io/library/unused:1', {
      id: 'i',
      digest: undefined,
      config: { ...config, stopSignal: undefined },
      bytes: 0,
    });
    const inMemory = { name: 'm', emptyDir: { medium: 'Memory' } };
    const volumeMounts = [...storage.volumeMounts, { name: 'm', mountPath: '/m' }];
    await nodes.run('quiet', { ...storage, volumeMounts }, { volumes: [...volumes, inMemory] });
    await nodes.run('greedy', storage, { volumes });
    for (const name of ['quiet', 'greedy']) await nodes.until(name, isReady);
    assert.equal(images.list().length, 1);

    // What it has in memory takes no disk.
    await nodes.exec('quiet', 'sh', '-c', 'head -c 40000000 /dev/zero > /m/much');
    await nodes.exec('greedy', 'sh', '-c', 'head -c 30000000 /dev/zero > /v/much');
    const evicted = await nodes.until('greedy', ({ status }) => status?.phase === 'Failed');
    const low = /^The node was low on resource: ephemeral-storage\. Threshold quantity: 5033164, available: \d+Ki\. $/;
    assert.equal(evicted.status?.reason, 'Evicted');
    assert.match(evicted.status.message ?? '', low);
    const target = evicted.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.deepEqual([target?.status, target?.reason], ['True', 'TerminationByKubelet']);
    assert.match(target?.message ?? '', low);
    assert.match((await nodes.events('greedy')).at(-2) ?? '', /^Warning Evicted The node was low on resource/);
    assert.deepEqual(images.list(), []);

    await untilPressure(nodes, 'False');
    const { bavail, blocks } = statfsSync(directory);
    assert.ok(bavail / blocks > 0.5);
    const quiet = await nodes.until('quiet', () => true);
    assert.equal(isReady(quiet), true);
    const events = await nodes.events('node-1');
    for (const event of [
      'Warning EvictionThresholdMet Attempting to reclaim ephemeral-storage',
      'Normal NodeHasDiskPressure Node node-1 status is now: NodeHasDiskPressure',
      'Normal NodeHasNoDiskPressure Node node-1 status is now: NodeHasNoDiskPressure',
    ]) {
      assert.ok(events.includes(event), `${event} is not among ${events.join('; ')}`);
    }
  });

  test('under pressure nobody is let in who is not critical', async () => {
    const diskPolicy = { ...KUBELET_DISK_POLICY, availablePercent: 101, periodMs: 50, transitionMs: 400 };
    await using nodes = await TestNodes.start(runtime, 1, { directory, diskPolicy });
    await untilPressure(nodes, 'True');
    await nodes.run('late', sleeper);
    const late = await nodes.until('late', ({ status }) => status?.phase === 'Failed');
    assert.equal(late.status?.reason, 'Evicted');
    assert.equal(late.status.message, 'Pod was rejected: The node had condition: [DiskPressure]. ');
    await nodes.run('critical', sleeper, { priority: 2_000_001_000 });
    await nodes.until('critical', isReady);
  });
});

async function untilPressure({ client }: TestNodes, status: 'True' | 'False'): Promise<void> {
  for (let tries = 0; ; tries++) {
    const node: Node = await client.get(nodeResource, { name: 'node-1' });
    const found = node.status?.conditions?.find(({ type }) => type === 'DiskPressure');
    if (found?.status === status) {
      assert.equal(found.reason, status === 'True' ? 'KubeletHasDiskPressure' : 'KubeletHasNoDiskPressure');
      return;
    }
    assert.ok(tries < 500, JSON.stringify(found));
    await systemClock.sleep(20);
  }
}

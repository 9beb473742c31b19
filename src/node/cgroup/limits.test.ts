import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { deepEqual } from '#api/equal.ts';
import type { Node, Pod, PodCondition, ResourceRequirements } from '#api/generated/types.ts';
import { nodes as nodeResource, pods } from '#api/resource.ts';
import { SandboxRuntime } from '../sandbox/runtime-agent.ts';
import { NodeStats } from '../stats/node-stats-agent.ts';
import { resourceMetrics } from '../stats/resource-metrics.ts';
import { isolateTests } from '../testing/isolated.ts';
import { isReady, podSummary } from '../testing/pod-summary.ts';
import { TestNodes } from '../testing/test-nodes.ts';
import { CgroupTree } from './cgroup-tree-sync.ts';

const GREEDY = 'x = bytearray(512 << 20); print("had it")';
/** Busy until it is told to end. */
const BUSY = ['sh', '-c', 'while :; do :; done'];

isolateTests(import.meta.url, () => {
  const tree = CgroupTree.open(`clusterip-test-${systemClock.monotonic()}-${process.ppid}`);
  const runtime = new SandboxRuntime(systemClock, tree);
  const skip = tree.notice ?? false;

  test('a container that wants more memory than its limit is ended and says so', { skip }, async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const resources = { limits: { memory: '64Mi' } };
    await nodes.run('greedy', { command: ['python3', '-c', GREEDY], resources }, { restartPolicy: 'Never' });
    const pod = await nodes.until('greedy', ({ status }) => status?.phase === 'Failed');
    assert.equal(podSummary(pod), 'Failed 10.244.0.2 on 172.18.0.2; c exit 137 OOMKilled restarts 0');
  });

  test(
    'a container finds its limits where programs look for them, and so does what is run in it',
    { skip },
    async () => {
      await using nodes = await TestNodes.start(runtime, 1);
      const resources = { limits: { cpu: '500m', memory: '64Mi' } };
      await nodes.run('box', { command: ['sleep', 'infinity'], resources });
      await nodes.until('box', isReady);
      const files =
        'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes pids/pids.max 2>/dev/null || cat cpu.max memory.max pids.max';
      assert.match(await nodes.exec('box', 'sh', '-c', files), /^50000( 100000)?\n67108864\n16384\n$/);
      assert.match(
        await nodes.exec('box', 'sh', '-c', 'cat /proc/self/cgroup | grep -E "memory|^0::" | head -1'),
        /:\/$/m,
      );
      assert.match(await nodes.exec('box', 'sh', '-c', 'echo 1 > /sys/fs/cgroup/memory.max'), /\[exit/);
      assert.match(await nodes.exec('box', 'python3', '-c', GREEDY), /\[exit 137\]/);
    },
  );

  test(
    'a container is given other limits while it runs, or runs anew where its policy wants that',
    { skip },
    async () => {
      await using nodes = await TestNodes.start(runtime, 1);
      const limits =
        'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes 2>/dev/null || cat cpu.max memory.max';
      const of = (cpu: string, memory: string): ResourceRequirements => ({
        requests: { cpu: '100m', memory: '32Mi' },
        limits: { cpu, memory },
      });
      const ask = (resources: ResourceRequirements): Promise<unknown> => {
        const container = {
          name: 'c',
          image: 'host',
          command: ['sleep', 'infinity'],
          resources,
          resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }],
        };
        const body = { spec: { containers: [container] } };
        return nodes.client.patch(pods, { namespace: 'default', name: 'box' }, { kind: 'merge', body });
      };
      const has = (resources: ResourceRequirements, restarts: number): Promise<Pod> =>
        nodes.until('box', (pod) => {
          const status = pod.status?.containerStatuses?.[0];
          return deepEqual(status?.resources, resources) && status?.restartCount === restarts && isReady(pod);
        });
      await nodes.run('box', { command: ['sleep', 'infinity'], resources: of('500m', '64Mi') });
      await has(of('500m', '64Mi'), 0);
      await ask(of('500m', '128Mi'));
      await has(of('500m', '128Mi'), 0);
      assert.match(await nodes.exec('box', 'sh', '-c', limits), /^50000( 100000)?\n134217728\n$/);
      await ask(of('500m', '48Mi'));
      await has(of('500m', '48Mi'), 0);
      assert.match(await nodes.exec('box', 'sh', '-c', limits), /^50000( 100000)?\n50331648\n$/);
      await ask(of('250m', '48Mi'));
      await has(of('250m', '48Mi'), 1);
      assert.match(await nodes.exec('box', 'sh', '-c', limits), /^25000( 100000)?\n50331648\n$/);
      // Less than it uses, and more than there is.
      await nodes.exec('box', 'sh', '-c', 'head -c 20000000 /dev/zero > /dev/shm/x');
      await ask(of('250m', '1Mi'));
      const stuck = await nodes.until('box', (pod) => conditionOf(pod, 'PodResizeInProgress') !== undefined);
      assert.match(
        conditionOf(stuck, 'PodResizeInProgress')?.message ?? '',
        /^attempting to set container "c" memory limit \(1048576\) below current usage \(\d+\)$/,
      );
      await ask({ requests: { cpu: '100000', memory: '32Mi' }, limits: { cpu: '100000', memory: '48Mi' } });
      const pending = await nodes.until('box', (pod) => conditionOf(pod, 'PodResizePending') !== undefined);
      const { reason, message } = conditionOf(pending, 'PodResizePending') ?? {};
      assert.equal(reason, 'Infeasible');
      assert.match(message ?? '', /^Node didn't have enough capacity: cpu, requested: 100000000, capacity: \d+$/);
      assert.deepEqual(pending.status?.containerStatuses?.[0]?.resources, of('250m', '48Mi'));
      const events = await nodes.events('box');
      assert.ok(events.includes('Normal Killing Container c resize requires restart'), events.join('\n'));
      assert.ok(
        events.some((event) =>
          event.startsWith('Normal ResizeCompleted Pod resize completed: {"containers":[{"name":"c",'),
        ),
      );
    },
  );

  test('no control group outlives its container', { skip }, async () => {
    {
      await using nodes = await TestNodes.start(runtime, 1);
      await nodes.run('short', { command: ['true'] }, { restartPolicy: 'Never' });
      await nodes.run('long', { command: ['sleep', 'infinity'] });
      await nodes.until('short', ({ status }) => status?.phase === 'Succeeded');
      await nodes.until('long', isReady);
      assert.equal(
        tree.directories.every((directory) => groupsIn(directory).length === 1),
        true,
      );
      // Whoever may write to his own groups makes others in them.
      for (const directory of tree.directories) {
        for (const own of groupsIn(directory)) mkdirSync(`${directory}/${own}/a/b`, { recursive: true });
      }
    }
    assert.deepEqual(tree.directories.flatMap(groupsIn), []);
  });

  test('a node tells what its Pods use', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('busy', { command: BUSY });
    await nodes.run('idle', { command: ['sleep', 'infinity'] });
    await nodes.until('busy', isReady);
    await nodes.until('idle', isReady);
    const stats = new NodeStats((nodeName) => runtime.measure(nodeName), systemClock);
    stats.add({ nodeName: 'node-1', capacityBytes: 1 << 30 });
    const cpuOf = (name: string): number => {
      const pod = stats.summary('node-1')?.pods.find(({ podRef }) => podRef.name === name);
      assert.ok(pod, name);
      assert.ok(pod.memory.workingSetBytes > 0 && pod.process_stats.process_count === 1, JSON.stringify(pod));
      return pod.cpu.usageCoreNanoSeconds;
    };
    const before = cpuOf('busy');
    for (let tries = 0; cpuOf('busy') < before + 50_000_000; tries++) {
      assert.ok(tries < 1500, 'it has not used 50 ms of processor time after 30 s');
      await systemClock.sleep(20);
    }
    assert.ok(cpuOf('idle') < cpuOf('busy'));
    const summary = stats.summary('node-1');
    assert.ok(summary);
    assert.ok((summary.pods[0]?.cpu.usageNanoCores ?? 0) > 0);
    assert.equal(
      summary.node.cpu.usageCoreNanoSeconds,
      summary.pods.reduce((sum, { cpu }) => sum + cpu.usageCoreNanoSeconds, 0),
    );
    assert.match(resourceMetrics(summary), /^pod_cpu_usage_seconds_total\{namespace="default",pod="busy"\} \d/m);
    assert.equal(stats.summary('node-2'), undefined);
  });

  test('a node that cannot limit anything says so', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const node: Node = await nodes.client.get(nodeResource, { name: 'node-1' });
    const types = node.status.conditions?.map(({ type }) => type);
    assert.equal(types?.includes('ResourceLimitsNotEnforced'), tree.notice !== undefined);
  });

  test('a tree goes with all that is in it', { skip }, () => {
    using other = CgroupTree.open('clusterip-test-other');
    const group = other.create('one', { cpuShares: 2, cpuMillis: undefined, memoryBytes: undefined, pids: 10 });
    assert.equal(
      group?.directories.every((directory) => existsSync(directory)),
      true,
    );
    other[Symbol.dispose]();
    assert.deepEqual(
      other.directories.filter((directory) => existsSync(directory)),
      [],
    );
    tree[Symbol.dispose]();
    assert.deepEqual(
      tree.directories.filter((directory) => existsSync(directory)),
      [],
    );
  });
});

function conditionOf({ status }: Pod, wanted: string): PodCondition | undefined {
  return status?.conditions?.find(({ type }) => type === wanted);
}

function groupsIn(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
}

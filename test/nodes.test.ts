/** Nodes that come, go, fail and come back, by the command, as kubectl sees it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

async function ok(cluster: TestCluster, ...args: readonly string[]): Promise<string> {
  const done = await cluster.clusterip('node', ...args);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout;
}

const zone = '{range .items[*]}{.metadata.name}={.metadata.labels.topology\\.kubernetes\\.io/zone} {end}';

for (const { mode, skip } of modes()) {
  test(
    `nodes are added with Services that work on them, and removed with their Pods, as ${mode}`,
    { skip },
    async () => {
      await using cluster = await TestCluster.start({
        mode,
        nodes: 2,
        args: ['--zones=a,b', '--node-labels=disk=ssd'],
      });
      assert.equal(await cluster.jsonpath(zone, 'nodes'), 'node-1=a node-2=b ');
      assert.equal(
        await ok(cluster, 'add', '--labels', 'x=y'),
        'added node "node-3": 172.18.0.4, Pods 10.244.2.0/24\n',
      );
      assert.equal(await ok(cluster, 'add', 'extra'), 'added node "extra": 172.18.0.5, Pods 10.244.3.0/24\n');
      assert.equal(await cluster.kubectl('get', 'nodes', '-l', 'x=y,disk=ssd', '-o', 'name'), 'node/node-3\n');
      await cluster.apply(deployment({ name: 'who', replicas: 2 }));
      await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
      // A client on the node that came last, whose rules were made for it alone.
      await cluster.kubectl(
        'run',
        'there',
        '--image=host',
        '--overrides={"spec":{"nodeName":"extra"}}',
        '--',
        'sleep',
        'infinity',
      );
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/there', '--timeout=60s');
      const curl = ['exec', 'there', '--', 'curl', '-sS', '--retry', '5', '--retry-connrefused', 'http://who'];
      assert.match(await cluster.kubectl(...curl), /^who-/);

      assert.equal(await ok(cluster, 'remove', 'extra', 'node-1'), 'removed node "extra"\nremoved node "node-1"\n');
      assert.equal((await cluster.try(['get', 'pod', 'there'])).code, 1);
      assert.equal(existsSync(join(cluster.dataDir, 'nodes/extra')), false);
      assert.match(
        await ok(cluster, 'list'),
        /^NODE .*\nnode-2 +running +172\.18\.0\.3 +10\.244\.1\.0\/24 .*\nnode-3 +running .*\n$/,
      );
      await cluster.apply(clientPod('frontend'));
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s');
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
      await eventually('a Pod elsewhere answers', true, async () => {
        const done = await cluster.try(['exec', 'frontend', '--', 'curl', '-sS', '--max-time', '2', 'http://who']);
        return done.code === 0;
      });

      // The next start has the same nodes, at the same addresses.
      await cluster.clusterip('down');
      assert.match(await ok(cluster, 'list'), /\nnode-2 +stopped .*\nnode-3 +stopped +172\.18\.0\.4 .*\n$/);
      assert.equal((await cluster.clusterip('up')).code, 0);
      assert.equal(await cluster.kubectl('get', 'nodes', '-o', 'name'), 'node/node-2\nnode/node-3\n');
      for (const [args, message] of refusals) {
        const done = await cluster.clusterip('node', ...args);
        assert.match(done.stderr, message, args.join(' '));
      }

      // A start with fewer nodes removes the others, with all that they had.
      await ok(cluster, 'add');
      await cluster.kubectl('run', 'left', '--image=host', '--overrides={"spec":{"nodeName":"node-3"}}', '--', 'true');
      await cluster.clusterip('down');
      const fewer = await cluster.clusterip('up', '--nodes=1');
      assert.deepEqual([fewer.code, fewer.stderr], [0, 'note: node "node-3" was removed, and its Pods with it\n']);
      assert.equal(await cluster.kubectl('get', 'nodes', '-o', 'name'), 'node/node-1\n');
      assert.equal((await cluster.try(['get', 'pod', 'left'])).code, 1);
      assert.equal(existsSync(join(cluster.dataDir, 'nodes/node-3')), false);
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
    },
  );
}

const refusals: readonly (readonly [readonly string[], RegExp])[] = [
  [['stop', 'none'], /Cannot find node "none"/],
  [['start', 'node-2'], /Cannot start node "node-2": it is running/],
  [['add', 'node-2'], /Cannot add node "node-2": there is one already/],
  [['add', 'No Name'], /Cannot name a node "No Name"/],
  [['add', '--labels=!=x'], /Cannot read --labels "!=x"/],
  [['remove', 'node-2', 'node-3'], /Cannot remove node "node-3": it is the last one/],
];

/** It takes what Kubernetes waits before it gives a silent node up, some 50 seconds. */
test('the Pods of a node that fails move, and the node comes back', { timeout: 200_000 }, async () => {
  const mode = process.getuid?.() === 0 ? 'root' : 'rootless';
  await using cluster = await TestCluster.start({ mode, nodes: 2 });
  const spec = JSON.parse(deployment({ name: 'who', replicas: 1 })) as {
    spec: { template: { spec: Record<string, unknown> } };
  };
  const tolerations = ['unreachable', 'not-ready'].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 1,
  }));
  Object.assign(spec.spec.template.spec, { tolerations });
  await cluster.kubectl('cordon', 'node-1');
  await cluster.apply(JSON.stringify(spec));
  await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
  await cluster.kubectl('uncordon', 'node-1');
  const [before = ''] = (await cluster.kubectl('get', 'pods', '-o', 'name')).trim().split('\n');
  assert.equal(await ok(cluster, 'stop', 'node-2'), 'stopped node "node-2"\n');
  const unreachable = await cluster.try(['exec', before, '--', 'true']);
  assert.match(unreachable.stderr, /dial tcp 172\.18\.0\.3:10250: connect: no route to host/);
  await cluster.kubectl('wait', '--for=condition=Ready=Unknown', 'node/node-2', '--timeout=90s');
  await eventually('the Pod is made anew on the other node', 'node-1 Running', () =>
    cluster.jsonpath(
      '{.items[?(@.spec.nodeName=="node-1")].spec.nodeName} {.items[?(@.spec.nodeName=="node-1")].status.phase}',
      'pods',
    ),
  );
  // As in Kubernetes, the lost Pod stays Terminating until its node can say that it has ended.
  assert.match(await cluster.kubectl('get', before, '--no-headers'), /Terminating/);
  assert.equal(await ok(cluster, 'start', 'node-2'), 'started node "node-2"\n');
  await cluster.kubectl('wait', '--for=condition=Ready', 'node/node-2', '--timeout=60s');
  await cluster.kubectl('wait', '--for=delete', before, '--timeout=60s');
  await eventually('the node is as it was', '', () => cluster.jsonpath('{.spec.taints}', 'node', 'node-2'));
});

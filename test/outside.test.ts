/** Nothing outside of a cluster reaches its ClusterIPs, and nothing of it is open to the outside. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { applyAll, serviceOf } from './testing/echo.ts';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { modes, prefix, root } from './testing/mode.ts';
import { run } from './testing/run.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually, knock } from './testing/traffic.ts';

for (const { mode, skip } of modes()) {
  test(`a ClusterIP does not answer outside of the cluster, as ${mode}`, { skip, timeout: 120_000 }, async () => {
    await using cluster = await TestCluster.start({ mode });
    await cluster.apply(deployment({ name: 'who', replicas: 1 }));
    await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
    await cluster.apply(clientPod('frontend'));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s');
    const address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who');
    await eventually('a Pod is answered', 'answered', () => knock(cluster, 'frontend', address, 80));

    const dns = '10.96.0.10:53';
    const node = '172.18.0.2:80';
    const program = [join(root, 'bin', 'node'), join(root, 'test/testing/route-into-loopback.ts')];
    const outside = await run(
      [...prefix(mode), 'unshare', '--user', '--map-root-user', '--net', ...program, `${address}:80`, dns, node],
      { env: cluster.home.env() },
    );
    const results = outside.stdout.trim().split('\n');
    assert.equal(results.length, 3, outside.stderr);
    assert.deepEqual(
      results.filter((line) => line.endsWith(' answered')),
      [],
    );
  });

  test(
    `the daemon listens on loopback only, and the machine's network is as it was, as ${mode}`,
    { skip, timeout: 60_000 },
    async () => {
      const before = hostNetwork();
      await using cluster = await TestCluster.start({ mode, nodes: 2 });
      assert.equal(hostNetwork(), before);
      const { pid } = JSON.parse(readFileSync(join(cluster.dataDir, 'run.json'), 'utf8')) as { pid: number };
      const api = listenersOf(pid);
      assert.ok(api.length > 0);
      const ports = [
        { name: 'tcp', port: 9000 },
        { name: 'udp', port: 9000, protocol: 'UDP' },
      ];
      await applyAll(cluster, serviceOf('open', { type: 'LoadBalancer', selector: { app: 'nobody' }, ports }));
      // The load balancer's own port of two protocols; its NodePorts are open, too, unless another cluster has them.
      await eventually('they are open', true, async () => listenersOf(pid).length >= api.length + 2);
      assert.deepEqual(
        listenersOf(pid).filter((address) => !LOOPBACK.test(address)),
        [],
      );
      assert.equal(hostNetwork(), before);
    },
  );

  test(`two clusters with the same ranges do not meet, as ${mode}`, { skip, timeout: 120_000 }, async () => {
    await using one = await TestCluster.start({ mode });
    await using other = await TestCluster.start({ mode });
    for (const cluster of [one, other]) {
      await cluster.apply(deployment({ name: 'who', replicas: 1 }));
      await cluster.apply(clientPod('frontend'));
    }
    const fixed = JSON.parse(service({ name: 'who', selector: { app: 'who' } })) as { spec: Record<string, unknown> };
    fixed.spec['clusterIP'] = '10.96.0.77';
    await one.apply(JSON.stringify(fixed));
    for (const cluster of [one, other]) {
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s');
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
    }
    await eventually('its own Pod is answered', 'answered', () => knock(one, 'frontend', '10.96.0.77', 80));
    assert.notEqual(await knock(other, 'frontend', '10.96.0.77', 80), 'answered');
    assert.equal(await knock(other, 'frontend', 'who', 80), 'no such name');
  });
}

/** 127.0.0.0/8 as /proc/net/tcp writes it. */
const LOOPBACK = /^[0-9A-F]{6}7F$/;
/** Of a TCP socket that listens, and of one of UDP that has no peer. */
const LISTEN: Readonly<Record<string, string>> = { tcp: '0A', tcp6: '0A', udp: '07', udp6: '07' };

/** Interfaces, addresses and routes of the network namespace of this process. */
function hostNetwork(): string {
  const interfaces = readFileSync('/proc/net/dev', 'utf8').replaceAll(/:.*/g, '');
  const addresses = readFileSync('/proc/net/fib_trie', 'utf8');
  return `${interfaces}${readFileSync('/proc/net/route', 'utf8')}${addresses}`;
}

/** Local addresses, in hex, of the sockets on the machine's own network that a process listens on. */
function listenersOf(pid: number): readonly string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const link = linkOf(pid, fd);
      return /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [];
    }),
  );
  return Object.keys(LISTEN).flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === LISTEN[table] && inodes.has(inode ?? ''))
      .map(([, local]) => (local ?? '').split(':')[0] ?? ''),
  );
}

/** Empty for a descriptor that was closed meanwhile. */
function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

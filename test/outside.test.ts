/**
 * Nothing outside of a cluster reaches its ClusterIPs. "Outside" is a network namespace that the test makes, with a default
 * route into a second one that drops everything, so that no packet can leave the machine.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { modes, prefix } from './testing/mode.ts';
import { run } from './testing/run.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually, knock } from './testing/traffic.ts';

/** In a namespace where only a loopback exists, and where all of 10.0.0.0/8 is routed to it. */
const KNOCK = `
import socket, sys
s = socket.socket()
s.settimeout(2)
try:
    s.connect((sys.argv[1], 80))
    print("answered")
except OSError as error:
    print("no answer")
`;

for (const { mode, skip } of modes()) {
  test(`a ClusterIP does not answer outside of the cluster, as ${mode}`, { skip, timeout: 120_000 }, async () => {
    await using cluster = await TestCluster.start({ mode });
    await cluster.apply(deployment({ name: 'who', replicas: 1 }));
    await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
    await cluster.apply(clientPod('frontend'));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s');
    const address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who');
    await eventually('a Pod is answered', 'answered', () => knock(cluster, 'frontend', address, 80));

    const isolated = ['unshare', '--user', '--map-root-user', '--net', 'python3', '-c', KNOCK, address];
    const outside = await run([...prefix(mode), ...isolated], { env: cluster.home.env() });
    assert.equal(outside.stdout.trim(), 'no answer', outside.stderr);
  });

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
    // One of the two addresses may be the same in both: each reaches its own.
    assert.equal(await knock(other, 'frontend', 'who', 80), 'no such name');
  });
}

/** What a cluster must not forget: over `down` and `up`, and over `kill -9` of the daemon and `up`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually, tally } from './testing/traffic.ts';

const KINDS = 'namespaces,services,endpoints,deployments,replicasets,pods,configmaps,serviceaccounts';

/** What identifies every object, whatever its status does. */
function snapshot(cluster: TestCluster): Promise<string> {
  const row = '{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.uid} {.spec.clusterIP}';
  return cluster.kubectl('get', KINDS, '-A', '-o', `jsonpath={range .items[*]}${row}{"\\n"}{end}`);
}

for (const { mode, skip } of modes()) {
  test(`objects and addresses outlive the daemon, as ${mode}`, { skip, timeout: 200_000 }, async (t) => {
    await using cluster = await TestCluster.start({ mode, nodes: 2 });
    await cluster.apply(deployment({ name: 'who', replicas: 2 }));
    await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
    await cluster.apply(clientPod('frontend'));
    await cluster.kubectl('create', 'configmap', 'kept', '--from-literal=key=value');
    await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
    const before = await snapshot(cluster);
    const serves = async (): Promise<void> => {
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s');
      await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
      await eventually('both Pods answer', 2, async () => {
        const answers = await tally(cluster, 'frontend', 'http://who', 20);
        return answers.has('FAILED') ? 0 : answers.size;
      });
    };
    await serves();

    await t.test('down and up', async () => {
      assert.equal((await cluster.clusterip('down')).code, 0);
      assert.equal((await cluster.clusterip('status')).code, 3);
      await cluster.up();
      assert.equal(await snapshot(cluster), before);
      await serves();
    });

    await t.test('kill -9 and up', async () => {
      const { holderPid, pid } = JSON.parse(readFileSync(join(cluster.dataDir, 'run.json'), 'utf8')) as {
        holderPid: number;
        pid: number;
      };
      process.kill(pid, 'SIGKILL');
      await eventually('every process of the cluster is gone', false, async () => isAlive(holderPid) || isAlive(pid));
      await cluster.up();
      assert.equal(await snapshot(cluster), before);
      await serves();
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

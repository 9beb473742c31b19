/** Where Pods go when there is not room for all, when their volumes are somewhere, and when they use too much. */
import assert from 'node:assert/strict';
import { mkdirSync, chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { oneMode } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const READY = ['wait', '--for=condition=Ready', '--timeout=60s'] as const;
const SLEEP = { name: 'c', image: 'host', command: ['sleep', 'infinity'] };

function pod(name: string, spec: object, container: object = {}, labels: object = { app: name }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ ...SLEEP, ...container }], ...spec },
  });
}

function list(...items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const pinned = (node: string): object => ({
  matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }],
});
const claim = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});

function local(path: string): string {
  return list(
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'local' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'disk' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [pinned('node-2')] } },
      },
    },
    claim('disk', { storageClassName: 'local' }),
  );
}

async function eventsOf(cluster: TestCluster, name: string, reason: string): Promise<string> {
  const selector = `--field-selector=involvedObject.name=${name},reason=${reason}`;
  return cluster.jsonpath('{.items[*].message}', 'events', selector);
}

test('where Pods go', { timeout: 280_000 }, async (t) => {
  await using cluster = await TestCluster.start({ mode: oneMode().mode, nodes: 2 });

  await t.test('a more important Pod takes the place of a lesser one, which waits', async () => {
    // Something that only one Pod of the cluster can have.
    const patch = JSON.stringify({
      status: { capacity: { 'example.com/seat': '1' }, allocatable: { 'example.com/seat': '1' } },
    });
    await cluster.kubectl('patch', 'node', 'node-1', '--subresource=status', '--type=merge', '-p', patch);
    const seat = { resources: { requests: { 'example.com/seat': '1' }, limits: { 'example.com/seat': '1' } } };
    await cluster.kubectl('create', 'priorityclass', 'high', '--value=1000');
    await cluster.apply(pod('low', {}, seat));
    await cluster.kubectl(...READY, 'pod/low');
    await cluster.apply(pod('second', {}, seat));
    const none = '0/2 nodes are available: 2 Insufficient example.com/seat.';
    await eventually(
      'why it waits',
      `${none} no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.`,
      () => cluster.jsonpath('{.status.conditions[?(@.type=="PodScheduled")].message}', 'pod', 'second'),
    );
    await cluster.apply(pod('high', { priorityClassName: 'high' }, seat));
    await cluster.kubectl(...READY, 'pod/high');
    assert.equal(await cluster.jsonpath('{.spec.nodeName}', 'pod', 'high'), 'node-1');
    const uid = await cluster.jsonpath('{.metadata.uid}', 'pod', 'high');
    assert.equal(await eventsOf(cluster, 'low', 'Preempted'), `Preempted by pod ${uid} on node node-1`);
    assert.equal(await cluster.jsonpath('{.items[*].metadata.name}', 'pods'), 'high second');
    await cluster.kubectl('delete', 'pod', 'high', 'second', '--now');
  });

  await t.test('a Pod goes where its volume is; one of its own goes with it', async () => {
    const path = join(cluster.home.path, 'disk');
    mkdirSync(path);
    chmodSync(path, 0o777);
    await cluster.apply(local(path));
    const ephemeral = {
      volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOncePod'], resources: { requests: { storage: '1Gi' } } } },
    };
    const volumes = [
      { name: 'disk', persistentVolumeClaim: { claimName: 'disk' } },
      { name: 'scratch', ephemeral },
    ];
    const volumeMounts = [
      { name: 'disk', mountPath: '/disk' },
      { name: 'scratch', mountPath: '/scratch' },
    ];
    const command = ['sh', '-c', 'echo kept > /disk/file; echo gone > /scratch/file; exec sleep infinity'];
    await cluster.apply(pod('user', { volumes }, { volumeMounts, command }));
    await cluster.kubectl(...READY, 'pod/user');
    assert.equal(await cluster.jsonpath('{.spec.nodeName}', 'pod', 'user'), 'node-2');
    assert.equal(await cluster.jsonpath('{.items[*].status.phase}', 'pvc'), 'Bound Bound');
    assert.equal(await cluster.kubectl('exec', 'user', '--', 'cat', '/scratch/file'), 'gone\n');
    await cluster.kubectl('delete', 'pod', 'user');
    await eventually('the claims', 'disk', () => cluster.jsonpath('{.items[*].metadata.name}', 'pvc'));
    await eventually('the volumes', 'disk', () => cluster.jsonpath('{.items[*].metadata.name}', 'pv'));
    await cluster.kubectl('delete', 'pvc', 'disk');
    await eventually('the volume', 'Released', () => cluster.jsonpath('{.status.phase}', 'pv', 'disk'));
    assert.equal(readFileSync(join(path, 'file'), 'utf8'), 'kept\n');
  });

  await t.test('Pods are spread, apart and together as they ask', async () => {
    const where = async (name: string): Promise<string> => cluster.jsonpath('{.spec.nodeName}', 'pod', name);
    const near = (topologyKey: string, app: string): object => ({
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { app } } }],
    });
    const host = 'kubernetes.io/hostname';
    await cluster.apply(pod('a', { nodeSelector: { [host]: 'node-2' } }));
    await cluster.apply(pod('beside', { affinity: { podAffinity: near(host, 'a') } }));
    await cluster.apply(pod('away', { affinity: { podAntiAffinity: near(host, 'a') } }));
    await cluster.kubectl(...READY, 'pod/a', 'pod/beside', 'pod/away');
    assert.deepEqual([await where('beside'), await where('away')], ['node-2', 'node-1']);
    await cluster.apply(pod('gated', { schedulingGates: [{ name: 'example.com/gate' }] }));
    assert.match(await cluster.kubectl('get', 'pod', 'gated'), /SchedulingGated/);
    await cluster.kubectl(
      'patch',
      'pod',
      'gated',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/schedulingGates"}]',
    );
    await cluster.kubectl(...READY, 'pod/gated');
  });

  await t.test('a Pod has what somebody says that a node has', async () => {
    const resources = { limits: { 'example.com/dongle': '2' } };
    await cluster.apply(pod('plugged', {}, { resources }));
    const capacity = JSON.stringify({ status: { capacity: { 'example.com/dongle': '3' } } });
    await cluster.kubectl('patch', 'node', 'node-2', '--subresource=status', '--type=merge', '-p', capacity);
    await cluster.kubectl(...READY, 'pod/plugged');
    assert.equal(await cluster.jsonpath('{.spec.nodeName}', 'pod', 'plugged'), 'node-2');
  });

  await t.test('a Deployment grows with what its Pods use', async () => {
    await cluster.kubectl(
      'create',
      'deployment',
      'large',
      '--image=host',
      '--',
      'python3',
      '-c',
      'x = b"x" * 30_000_000; import time; time.sleep(1000)',
    );
    await cluster.kubectl('rollout', 'status', 'deployment/large', '--timeout=60s');
    const target = { type: 'AverageValue', averageValue: '10Mi' };
    await cluster.apply(
      JSON.stringify({
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'large' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'large' },
          maxReplicas: 2,
          metrics: [{ type: 'Resource', resource: { name: 'memory', target } }],
        },
      }),
    );
    await eventually('the Pods', '2', () => cluster.jsonpath('{.spec.replicas}', 'deployment', 'large'), 90);
    await eventually('the event', 'New size: 2; reason: memory resource above target', () =>
      eventsOf(cluster, 'large', 'SuccessfulRescale'),
    );
    assert.match(await cluster.kubectl('top', 'pods', '-l', 'app=large'), /^NAME.*\nlarge-\S+ +\d+m +\d+Mi/);
  });
});

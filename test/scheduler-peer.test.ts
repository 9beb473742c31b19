/** kube-scheduler itself on our API server, which has no other: it binds Pods to nodes. Built by `bench/peers/build.sh`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ListeningServer } from '../src/apiserver/testing/listening-server.ts';
import { bodyOf, type TestServer } from '../src/apiserver/testing/test-server.ts';
import { programMissing } from '../bench/peers/peer-path.ts';
import { PeerProcess } from './testing/peer-process.ts';
import { eventually } from './testing/traffic.ts';

const PODS = '/api/v1/namespaces/default/pods';

async function withNode(server: TestServer, name: string, cpu: string): Promise<void> {
  await server.post('/api/v1/nodes', { metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
  const capacity = { cpu, memory: '8Gi', pods: '100' };
  const conditions = [{ type: 'Ready', status: 'True' }];
  await server.patch(`/api/v1/nodes/${name}/status`, 'merge', {
    status: { capacity, allocatable: capacity, conditions },
  });
  // Nobody is here who takes the taint of a new node away.
  await server.patch(`/api/v1/nodes/${name}`, 'merge', { spec: { taints: null } });
}

async function withPod(server: TestServer, name: string, cpu: string, more: object = {}): Promise<void> {
  const containers = [{ name: 'c', image: 'host', resources: { requests: { cpu } } }];
  await server.post(PODS, { metadata: { name, labels: { app: 'web' } }, spec: { containers, ...more } });
}

/** Its node, or why it has none. */
async function placeOf(server: TestServer, name: string): Promise<string> {
  const { spec, status } = bodyOf<{
    spec: { nodeName?: string };
    status: { conditions?: readonly { type: string; reason?: string }[] };
  }>(await server.get(`${PODS}/${name}`));
  return spec.nodeName ?? status.conditions?.find(({ type }) => type === 'PodScheduled')?.reason ?? 'waiting';
}

const missing = programMissing('kube-scheduler') ?? false;

test('kube-scheduler on our API server', { skip: missing, timeout: 200_000 }, async () => {
  await using listening = await ListeningServer.start();
  const server = listening.test;
  await server.post('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  await withNode(server, 'small', '1');
  await withNode(server, 'large', '8');
  // Kinds of devices that are not here.
  const flags = ['--feature-gates=DynamicResourceAllocation=false'];
  await using scheduler = new PeerProcess('kube-scheduler', listening.kubeconfig(), ...flags);
  await withPod(server, 'big', '4');
  await withPod(server, 'chosen', '100m', { nodeSelector: { 'kubernetes.io/hostname': 'small' } });
  await withPod(server, 'huge', '100');
  const places = async (): Promise<unknown> =>
    Promise.all(['big', 'chosen', 'huge'].map((name) => placeOf(server, name)));
  await eventually('each in its place', ['large', 'small', 'Unschedulable'], places, 90);
  const events = async (): Promise<unknown> => {
    const listed = bodyOf<{ items: readonly { reason: string; involvedObject: { name: string } }[] }>(
      await server.get('/api/v1/namespaces/default/events'),
    );
    return [...new Set(listed.items.map(({ reason, involvedObject }) => `${involvedObject.name} ${reason}`))].sort();
  };
  await eventually('events', ['big Scheduled', 'chosen Scheduled', 'huge FailedScheduling'], events);
  const unreadable = scheduler.complaints.filter((line) => /decod|unmarshal|failed to (?:list|watch)/i.test(line));
  assert.deepEqual(unreadable, []);
});

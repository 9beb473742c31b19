/**
 * kube-controller-manager itself on our API server, which has nobody else: what it sees and writes makes Pods of a
 * Deployment, slices of a Service, and nothing of what was deleted. Built by `bench/peers/build.sh`.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, type TestServer } from '../src/apiserver/testing/test-server.ts';
import { ListeningServer } from '../src/apiserver/testing/listening-server.ts';
import { programMissing } from '../bench/peers/peer-path.ts';
import { PeerProcess } from './testing/peer-process.ts';
import { eventually } from './testing/traffic.ts';

const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'endpointslice-controller',
  'job-controller',
  'serviceaccount-controller',
  'namespace-controller',
  'garbage-collector-controller',
  'disruption-controller',
  'resourcequota-controller',
];

const CORE = '/api/v1/namespaces/default';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

interface Listed {
  readonly metadata: { readonly name: string };
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions: { readonly ready?: boolean };
  }[];
}

async function list(server: TestServer, path: string, app = 'web'): Promise<readonly Listed[]> {
  const selector = `labelSelector=${path === SLICES ? 'kubernetes.io/service-name' : 'app'}=${app}`;
  return bodyOf<{ items: readonly Listed[] }>(await server.get(`${path}?${selector}`)).items;
}

/** What a scheduler and a node do. */
async function run(server: TestServer, pods: readonly Listed[]): Promise<void> {
  for (const [index, { metadata }] of pods.entries()) {
    const target = { apiVersion: 'v1', kind: 'Node', name: 'n1' };
    await server.post(`${CORE}/pods/${metadata.name}/binding`, { metadata: { name: metadata.name }, target });
    const podIP = `10.244.0.${index + 2}`;
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    await server.patch(`${CORE}/pods/${metadata.name}/status`, 'merge', { status });
  }
}

function workload(kind: string, name: string): object {
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: 'c', image: 'host' }], ...(kind === 'Job' ? { restartPolicy: 'Never' } : {}) },
  };
  return kind === 'Job'
    ? { metadata: { name }, spec: { template } }
    : { metadata: { name }, spec: { replicas: 2, selector: { matchLabels: { app: name } }, template } };
}

const missing = programMissing('kube-controller-manager') ?? false;

test('kube-controller-manager on our API server', { skip: missing, timeout: 200_000 }, async (t) => {
  await using listening = await ListeningServer.start();
  const server = listening.test;
  await server.post('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  await server.post('/api/v1/nodes', { metadata: { name: 'n1' } });
  const flags = [`--controllers=${CONTROLLERS.join()}`];
  await using manager = new PeerProcess('kube-controller-manager', listening.kubeconfig(), ...flags);

  await t.test('a Deployment gets Pods', async () => {
    await server.post(DEPLOYMENTS, workload('Deployment', 'web'));
    await eventually('two Pods', 2, async () => (await list(server, `${CORE}/pods`)).length, 90);
  });

  await t.test('a Service gets slices of the Pods that are ready', async () => {
    await server.post(`${CORE}/services`, {
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await run(server, await list(server, `${CORE}/pods`));
    const ready = async (): Promise<unknown> =>
      (await list(server, SLICES))
        .flatMap(({ endpoints = [] }) => endpoints)
        .filter(({ conditions }) => conditions.ready === true)
        .flatMap(({ addresses }) => addresses)
        .sort();
    await eventually('both addresses', ['10.244.0.2', '10.244.0.3'], ready);
    const available = async (): Promise<unknown> =>
      bodyOf<{ status: { availableReplicas?: number } }>(await server.get(`${DEPLOYMENTS}/web`)).status
        .availableReplicas;
    await eventually('the Deployment is available', 2, available);
  });

  await t.test('a Job gets a Pod', async () => {
    await server.post('/apis/batch/v1/namespaces/default/jobs', workload('Job', 'once'));
    await eventually('one Pod', 1, async () => (await list(server, `${CORE}/pods`, 'once')).length);
  });

  await t.test('what is deleted takes what it owns with it', async () => {
    await server.delete(`${DEPLOYMENTS}/web`);
    await eventually(
      'no ReplicaSet',
      0,
      async () => (await list(server, DEPLOYMENTS.replace('deployments', 'replicasets'))).length,
    );
    const living = async (): Promise<number> => {
      const pods = await list(server, `${CORE}/pods`);
      return pods.filter(({ metadata }) => !('deletionTimestamp' in metadata)).length;
    };
    await eventually('no Pod that stays', 0, living);
  });

  await t.test('a namespace is emptied and ends', async () => {
    await server.post('/api/v1/namespaces', { metadata: { name: 'brief' } });
    await server.post('/api/v1/namespaces/brief/configmaps', { metadata: { name: 'c' } });
    await server.delete('/api/v1/namespaces/brief');
    const code = async (): Promise<unknown> =>
      bodyOf<{ code?: number }>(await server.get('/api/v1/namespaces/brief')).code;
    await eventually('it is gone', 404, code, 60);
  });

  await t.test('it could read all that it was sent', () => {
    const unreadable = manager.complaints.filter((line) =>
      /decod|unmarshal|unexpected|failed to (?:list|watch)/i.test(line),
    );
    assert.deepEqual(unreadable, []);
  });
});

/**
 * kube-proxy and CoreDNS themselves, as Pods of a cluster: they ask for protobuf, are given JSON, and do their work. Built by
 * `bench/peers/build.sh`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { corednsMissing, corednsPath } from '../bench/peers/coredns.ts';
import { kubeProxyMissing, kubeProxyPath } from '../bench/peers/kube-proxy.ts';
import { modes } from './testing/mode.ts';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

const COREFILE = `.:53 {
  errors
  ready
  kubernetes cluster.local in-addr.arpa {
    pods verified
  }
}
`;

/** As installers of CoreDNS have it: no role of Kubernetes' own gives slices. */
const DNS_ROLE = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'coredns' },
  rules: [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
};

function binding(role: string): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `peer-${role.replaceAll(':', '-')}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: 'peer', namespace: 'default' }],
  };
}

interface Peer {
  readonly name: string;
  readonly command: readonly string[];
  readonly ready: { readonly port: number; readonly path: string };
}

function peerPod({ name, command, ready }: Peer): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      serviceAccountName: 'peer',
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'config', configMap: { name: 'corefile' } }],
      containers: [
        {
          name,
          image: 'host',
          command,
          // Rules are for its own namespace, which the Pod's own connections go through.
          securityContext: { privileged: true },
          volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
          readinessProbe: { httpGet: ready, periodSeconds: 1 },
        },
      ],
    },
  };
}

/** What every test here begins with; a Service `who` has two Pods. */
async function start(peer: Peer): Promise<TestCluster> {
  const cluster = await TestCluster.start({ mode: 'root' });
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'peer' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'corefile' }, data: { Corefile: COREFILE } },
    binding('system:node-proxier'),
    DNS_ROLE,
    binding('coredns'),
    peerPod(peer),
  ];
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await cluster.apply(deployment({ name: 'who', replicas: 2 }));
  await cluster.apply(service({ name: 'who', selector: { app: 'who' } }));
  await cluster.kubectl('rollout', 'status', 'deployment/who', '--timeout=60s');
  await cluster.kubectl('wait', '--for=condition=Ready', `pod/${peer.name}`, '--timeout=60s');
  return cluster;
}

const noDig = spawnSync('dig', ['-v']).error !== undefined && 'no dig on PATH';

const root = modes().find(({ mode }) => mode === 'root');

test(
  'kube-proxy programs what our server tells it',
  { skip: root?.skip || kubeProxyMissing() || false, timeout: 120_000 },
  async () => {
    const flags = ['--proxy-mode=nftables', '--hostname-override=node-1', '--conntrack-max-per-core=0'];
    const command = [kubeProxyPath(), ...flags];
    await using cluster = await start({ name: 'kube-proxy', command, ready: { port: 10256, path: '/healthz' } });
    const ip = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who');
    const rules = (): Promise<string> =>
      cluster.kubectl('exec', 'kube-proxy', '--', 'nft', 'list', 'table', 'ip', 'kube-proxy');
    const endpoints = async (): Promise<string[]> => {
      const found = (await rules()).matchAll(/^\tchain endpoint-\S+-default\/who\/tcp\/__(\S+) \{$/gm);
      return [...found].map(([, address = '']) => address.replace('/', ':')).sort();
    };
    const expected = async (): Promise<string[]> => {
      const ips = await cluster.jsonpath('{.items[*].status.podIP}', 'pods', '-l', 'app=who');
      return ips
        .split(' ')
        .map((one) => `${one}:80`)
        .sort();
    };
    assert.match(
      await rules(),
      new RegExp(`${ip.replaceAll('.', String.raw`\.`)} \\. tcp \\. 80 : goto service-\\w+-default/who/tcp/`),
    );
    await eventually('both endpoints', await expected(), endpoints);
    assert.match(
      await cluster.kubectl('exec', 'kube-proxy', '--', 'curl', '-sS', '--max-time', '5', `http://${ip}/`),
      /^who-/,
    );
    await cluster.kubectl('scale', 'deployment/who', '--replicas=1');
    await eventually('one endpoint', 1, async () => (await endpoints()).length);
    await cluster.kubectl('delete', 'service', 'who');
    // Chains are kept for a while; what leads to them is not.
    await eventually('no way to it', false, async () => (await rules()).includes(`${ip} . tcp`));
  },
);

test(
  'CoreDNS answers out of what our server tells it',
  { skip: root?.skip || corednsMissing() || noDig || false, timeout: 120_000 },
  async () => {
    const command = [corednsPath(), '-conf', '/etc/coredns/Corefile'];
    await using cluster = await start({ name: 'coredns', command, ready: { port: 8181, path: '/ready' } });
    await cluster.apply(clientPod('client'));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=60s');
    const server = await cluster.jsonpath('{.status.podIP}', 'pod', 'coredns');
    const ask = async (name: string): Promise<string[]> => {
      const answer = await cluster.kubectl('exec', 'client', '--', 'dig', '+short', '+time=5', `@${server}`, name);
      return answer
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    };
    const ip = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'who');
    await eventually('the Service', [ip], () => ask('who.default.svc.cluster.local'));
    assert.deepEqual(await ask('kubernetes.default.svc.cluster.local'), ['10.96.0.1']);
    assert.deepEqual(await ask('nobody.default.svc.cluster.local'), []);
    const headless = JSON.parse(service({ name: 'each', selector: { app: 'who' } })) as {
      spec: Record<string, unknown>;
    };
    headless.spec['clusterIP'] = 'None';
    await cluster.apply(JSON.stringify(headless));
    const ips = (await cluster.jsonpath('{.items[*].status.podIP}', 'pods', '-l', 'app=who')).split(' ').sort();
    await eventually('each Pod', ips, () => ask('each.default.svc.cluster.local'));
    await cluster.kubectl('delete', 'service', 'who');
    await eventually('no Service', [], () => ask('who.default.svc.cluster.local'));
  },
);

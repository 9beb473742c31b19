/** The DaemonSet of examples/proxy on a cluster whose nodes have no proxy: as kubeadm configures it, and by its Pod's account. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { modes, root } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const API_SERVER = 'https://172.18.0.1:6443';

/** What kubeadm writes into the ConfigMap kube-proxy, which names the API server's own address. */
function configMap(kubeconfig: string): string {
  const config = [
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1',
    'kind: KubeProxyConfiguration',
    'clusterCIDR: 10.244.0.0/16',
    `clientConnection: { kubeconfig: "${kubeconfig}" }`,
    'conntrack: { maxPerCore: null, tcpCloseWaitTimeout: 1h0m0s }',
  ];
  const connection = {
    clusters: [{ name: 'default', cluster: { 'certificate-authority': `${ACCOUNT}/ca.crt`, server: API_SERVER } }],
    contexts: [{ name: 'default', context: { cluster: 'default', namespace: 'default', user: 'default' } }],
    'current-context': 'default',
    users: [{ name: 'default', user: { tokenFile: `${ACCOUNT}/token` } }],
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-proxy', namespace: 'kube-system' },
    data: { 'config.conf': `${config.join('\n')}\n`, 'kubeconfig.conf': JSON.stringify(connection) },
  });
}

/** This checkout where the image has it. */
function manifest(): string {
  const mount = `            - { name: checkout, mountPath: /opt/clusterip, readOnly: true }\n`;
  return readFileSync(join(root, 'examples/proxy/proxy.yaml'), 'utf8')
    .replaceAll('registry.example/clusterip:0.1', 'host')
    .replaceAll('          volumeMounts:\n', (line) => line + mount)
    .replace('      volumes:\n', (line) => `${line}        - { name: checkout, hostPath: { path: ${root} } }\n`);
}

const WEB = `
apiVersion: v1
kind: Pod
metadata: { name: NAME, labels: { app: NAME } }
spec:
  containers:
    - { name: web, image: host, command: [python3, -m, http.server, "80"], readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }
---
apiVersion: v1
kind: Service
metadata: { name: NAME }
spec: { selector: { app: NAME }, ports: [{ port: 8080, targetPort: 80 }] }
`;

for (const { mode, skip } of modes()) {
  test(`clusterip proxy as a DaemonSet, as ${mode}`, { skip, timeout: 180_000 }, async () => {
    await using cluster = await TestCluster.start({ mode, nodes: 2, args: ['--proxy-mode=none'] });
    const inSystem = (...args: readonly string[]): Promise<string> => cluster.kubectl('-n', 'kube-system', ...args);
    const rolledOut = (): Promise<string> =>
      inSystem('rollout', 'status', 'daemonset/clusterip-proxy', '--timeout=120s');
    const serve = async (name: string): Promise<void> => {
      await cluster.apply(WEB.replaceAll('NAME', name));
      await cluster.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
    };
    const ask = (...args: readonly string[]): Promise<string> =>
      cluster.kubectl('exec', 'client', '--', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...args);
    await cluster.kubectl('run', 'client', '--image=host', '--', 'sleep', 'infinity');
    await serve('first');
    // Nobody translates: an address of a Service leads nowhere.
    const address = await cluster.jsonpath('{.spec.clusterIP}', 'service', 'first');
    const lost = await cluster.try(['exec', 'client', '--', 'curl', '-s', '--max-time', '1', `http://${address}:8080`]);
    assert.notEqual(lost.code, 0);

    await cluster.apply(configMap('/var/lib/kube-proxy/kubeconfig.conf'));
    await cluster.apply(manifest());
    await rolledOut();
    const retry = ['--retry', '20', '--retry-all-errors', '--retry-delay', '1', '--max-time', '60'];
    assert.equal(await ask(...retry, `http://${address}:8080`), '200');
    assert.equal(await ask('-k', 'https://10.96.0.1/livez'), '200');
    const log = (): Promise<string> => inSystem('logs', '--prefix', '-l', 'k8s-app=clusterip-proxy');
    const follows = /rules follow the cluster mode=nftables node=(\S+) server=(\S+)/g;
    const servers = async (): Promise<readonly string[]> =>
      [...(await log()).matchAll(follows)].map(([, node, server]) => `${node} ${server}`).sort();
    const nodes = (await cluster.jsonpath('{.items[*].metadata.name}', 'nodes')).split(' ').sort();
    assert.deepEqual(
      await servers(),
      nodes.map((node) => `${node} ${API_SERVER}`),
    );

    // Without a kubeconfig it goes by the account of its Pod, and the address that rules of before translate.
    await cluster.apply(configMap(''));
    await inSystem('rollout', 'restart', 'daemonset/clusterip-proxy');
    await rolledOut();
    await serve('second');
    assert.equal(await ask(...retry, 'http://second.default.svc.cluster.local:8080'), '200');
    assert.deepEqual(
      await servers(),
      nodes.map((node) => `${node} https://10.96.0.1:443`),
    );
    assert.deepEqual(
      await cluster.jsonpath(
        '{.items[*].status.containerStatuses[*].restartCount}',
        'pods',
        '-n',
        'kube-system',
        '-l',
        'k8s-app=clusterip-proxy',
      ),
      '0 0',
    );
  });
}

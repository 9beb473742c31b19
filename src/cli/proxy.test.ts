import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CoreEvent } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { newTokenKey } from '#apiserver/testing/test-authority.ts';
import { bodyOf } from '#apiserver/testing/test-server.ts';
import { ScriptedServer } from '#client/testing/scripted-server.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { askTcp, NODE_ADDRESS } from '#proxy/testing/network.ts';
import { CommandHome } from './testing/command-home.ts';
import { ProxyNode, until } from './testing/proxy-node.ts';

isolateTestFile();
settleInOwnNetns();

const CLIENT = '10.244.0.10';
const POD = '10.244.0.11';
const VIP = '10.96.0.50';
const READY = 'rules follow the cluster';

test('from a Service in the API to packets; the rules outlive the process, until they are cleaned up', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const client = node.network.addPod(CLIENT);
  await node.network.serveTcp(POD, 8080);
  await node.addService('web', VIP, [POD]);
  const args = ['--kubeconfig', await node.kubeconfig(), '--node-name', 'a', '--cluster-cidr', '10.244.0.0/16'];
  const first = node.proxy(...args);
  await until('ready', () => first.stderr().includes(READY));
  assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
  await node.addService('other', '10.96.0.51', [POD]);
  await until('the other answers', async () => (await askTcp(client, '10.96.0.51', 80)) === `${POD} ${CLIENT}`);
  // What kube-proxy has left goes while ours is there, which is left alone.
  node.run('nft', 'add table ip kube-proxy');
  {
    using rtnetlink = inNetns(node.network.node, () => RtnetlinkSocket.open());
    rtnetlink.createBridge({ name: 'kube-ipvs0' });
  }
  assert.deepEqual(await node.proxy('--cleanup-kube-proxy').finished, {
    code: 0,
    stdout: 'removed table ip kube-proxy\nremoved link kube-ipvs0\n',
    stderr: '',
  });
  first.child.kill('SIGTERM');
  assert.deepEqual((await first.finished).code, 0, first.stderr());
  assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
  const cleanup = await node.proxy('--cleanup').finished;
  assert.deepEqual(cleanup, {
    code: 0,
    stdout: 'removed table ip clusterip\nremoved table ip6 clusterip\n',
    stderr: '',
  });
  assert.deepEqual(node.tables(), []);
  assert.equal((await node.proxy('--cleanup').finished).stdout, 'nothing to remove\n');
});

const WRONG: readonly (readonly [readonly string[], number, string])[] = [
  [
    [],
    1,
    'Cannot tell which cluster: there is no kubeconfig, and this is not a Pod\n  to fix: name one with --kubeconfig',
  ],
  [
    ['--master', 'a b'],
    2,
    'Cannot read --master "a b": it must be the URL of the API server\n  to fix: see clusterip --help',
  ],
  [['--modus=x'], 2, "Unknown option '--modus'\n  to fix: see clusterip --help"],
  [['x'], 2, "Unexpected argument 'x'\n  to fix: see clusterip --help"],
  [
    ['--conntrack-min', 'x'],
    2,
    'Cannot read --conntrack-min "x": it must be a whole number\n  to fix: see clusterip --help',
  ],
  [['--cleanup=/'], 2, 'Cannot read --cleanup "/": it must be true or false\n  to fix: see clusterip --help'],
  [
    ['--proxy-mode', 'ipvs'],
    2,
    'Cannot use the mode "ipvs": this proxy does not have it\n  to fix: use nftables: like ipvs it costs the same at any number of Services',
  ],
  [
    ['--config', '/no/such/file'],
    1,
    `Cannot read the configuration "/no/such/file": ENOENT: no such file or directory, open '/no/such/file'\n  to fix: name another with --config`,
  ],
];

for (const [args, code, message] of WRONG) {
  test(`clusterip proxy ${args.join(' ')}: ${message.split('\n')[0]}`, async () => {
    using home = new CommandHome();
    assert.deepEqual(await home.run(['proxy', ...args]), { code, stdout: '', stderr: `clusterip: ${message}\n` });
  });
}

test('without CAP_NET_ADMIN nothing works, and that is said', async () => {
  using home = new CommandHome();
  const kubeconfig = join(home.path, 'kubeconfig');
  const named = [
    { name: 'x', cluster: { server: 'https://127.0.0.1:1' }, user: {}, context: { cluster: 'x', user: 'x' } },
  ];
  writeFileSync(kubeconfig, JSON.stringify({ clusters: named, users: named, contexts: named, 'current-context': 'x' }));
  const command = fileURLToPath(new URL('../../bin/clusterip', import.meta.url));
  const args = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', command, 'proxy', '--kubeconfig', kubeconfig];
  const { status, stderr } = spawnSync('setpriv', [...args, '--node-name', 'a'], { encoding: 'utf8' });
  assert.deepEqual(
    [status, stderr],
    [
      1,
      `clusterip: Cannot program rules: that takes CAP_NET_ADMIN in this network namespace
  to fix: run as root, or give the container the capability NET_ADMIN
`,
    ],
  );
});

const hasIptables = spawnSync('iptables', ['--version']).status === 0;

test(
  'mode iptables, and cleaning up after it and after kube-proxy',
  { skip: !hasIptables && 'no iptables' },
  async () => {
    await using node = await ProxyNode.create();
    await node.startServer();
    await node.addNode('a');
    const client = node.network.addPod(CLIENT);
    await node.network.serveTcp(POD, 8080);
    await node.addService('web', VIP, [POD]);
    const proxy = node.proxy('--kubeconfig', await node.kubeconfig(), '--node-name', 'a', '--proxy-mode=iptables');
    await until('ready', () => proxy.stderr().includes(READY));
    assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
    assert.equal(await node.get(10_249, '/proxyMode'), '200 iptables');
    proxy.child.kill('SIGTERM');
    await proxy.finished;
    // Of the other mode nothing is there; whose chains those are, the user has to say.
    assert.equal((await node.proxy('--cleanup').finished).stdout, 'nothing to remove\n');
    const { stdout } = await node.proxy('--cleanup-kube-proxy').finished;
    assert.match(stdout, /^removed chains KUBE-\* of iptables-\w+ in table nat$/m);
    assert.equal((await node.proxy('--cleanup', '--cleanup-kube-proxy').finished).stdout, 'nothing to remove\n');
  },
);

test('an API server that asks for no login needs no kubeconfig', async () => {
  await using node = await ProxyNode.create();
  await using server = await ScriptedServer.start(node.listenTarget());
  const metadata = { name: 'a', uid: 'a', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  server.list('nodes', '1', { apiVersion: 'v1', kind: 'Node', metadata, spec: {} } as KubeObject);
  const proxy = node.proxy('--master', 'http://127.0.0.1:6443/', '--node-name', 'a');
  await until('ready', () => proxy.stderr().includes(READY));
});

test('a port that load balancers ask at and somebody has is an event of its Service', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const [type, healthCheckNodePort] = ['LoadBalancer', 31_000];
  await node.server.post('/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { type, clusterIP: VIP, externalTrafficPolicy: 'Local', healthCheckNodePort, ports: [{ port: 80 }] },
  });
  await node.network.serveTcp(NODE_ADDRESS, healthCheckNodePort, node.network.node);
  node.proxy('--kubeconfig', await node.kubeconfig(), '--node-name', 'a');
  const told =
    'Warning FailedToStartServiceHealthcheck Service web node a failed to start healthcheck "default/web" on port 31000: ' +
    'listen EADDRINUSE: address already in use :::31000';
  await until('event', async () => (await eventsOf(node)).includes(told));
});

async function eventsOf({ server }: ProxyNode): Promise<readonly string[]> {
  const { items } = bodyOf<{ items: readonly CoreEvent[] }>(await server.get('/api/v1/namespaces/default/events'));
  return items.map(({ type, reason, involvedObject: { kind, name }, message }) =>
    [type, reason, kind, name, message].join(' ').trim(),
  );
}

test('health, mode and metrics are told as kube-proxy tells them', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  await node.addService('web', VIP, [POD]);
  const proxy = node.proxy('--kubeconfig', await node.kubeconfig(), '--node-name', 'a', '-v=4');
  await until('ready', () => proxy.stderr().includes(READY));
  const shape = (text: string): string => text.replaceAll(/"20[^"]*Z"/g, '"time"');
  const status = '"status":{"IPv4":{"lastUpdated":"time","healthy":true},"IPv6":{"lastUpdated":"time","healthy":true}}';
  assert.equal(
    shape(await node.get(10_256, '/healthz')),
    `200 {"lastUpdated":"time","currentTime":"time","nodeEligible":true,"healthy":true,${status}}`,
  );
  assert.equal(
    shape(await node.get(10_256, '/livez')),
    `200 {"lastUpdated":"time","currentTime":"time","healthy":true,${status}}`,
  );
  assert.equal(await node.get(10_249, '/proxyMode'), '200 nftables');
  assert.equal(await node.get(10_249, '/healthz'), '200 ok');
  assert.equal(await node.get(10_249, '/healthz?verbose'), '200 [+]ping ok\nhealthz check passed\n');
  assert.match(
    await node.get(10_249, '/metrics/slis'),
    /healthchecks_total\{name="ping",status="success",type="healthz"\} 2\n/,
  );
  assert.equal(await node.get(10_249, '/'), '404 404 page not found\n');
  // Load balancers leave a node that is being taken away; the proxy itself is well.
  const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }];
  await node.server.patch('/api/v1/nodes/a', 'merge', { spec: { taints } });
  await until('not eligible', async () => (await node.get(10_256, '/healthz')).startsWith('503'));
  assert.match(await node.get(10_256, '/livez'), /^200/);
  const metrics = await node.get(10_249, '/metrics');
  const names = [...metrics.matchAll(/^# TYPE (kubeproxy_\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  assert.deepEqual(names.sort(), [
    'kubeproxy_conntrack_reconciler_deleted_entries_total counter',
    'kubeproxy_conntrack_reconciler_sync_duration_seconds histogram',
    'kubeproxy_network_programming_duration_seconds histogram',
    'kubeproxy_proxy_healthz_total counter',
    'kubeproxy_proxy_livez_total counter',
    'kubeproxy_sync_full_proxy_rules_duration_seconds histogram',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds histogram',
    'kubeproxy_sync_proxy_rules_duration_seconds histogram',
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending gauge',
    'kubeproxy_sync_proxy_rules_endpoint_changes_total counter',
    'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge',
    'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total counter',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total counter',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge',
    'kubeproxy_sync_proxy_rules_service_changes_pending gauge',
    'kubeproxy_sync_proxy_rules_service_changes_total counter',
  ]);
  const values = metrics
    .split('\n')
    .filter((line) => /^kube\S*_(pending|changes_total|failures_total\S*) |^kube\S*full\S*_count/.test(line));
  assert.deepEqual(values, [
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending 0',
    'kubeproxy_sync_proxy_rules_endpoint_changes_total 1',
    'kubeproxy_sync_proxy_rules_service_changes_pending 0',
    'kubeproxy_sync_proxy_rules_service_changes_total 1',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv6"} 1',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 0',
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 0',
    'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv4"} 0',
    'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv6"} 0',
  ]);
});

test('an API server that comes late, goes, and comes again with what happened meanwhile', async () => {
  await using node = await ProxyNode.create();
  const client = node.network.addPod(CLIENT);
  await node.network.serveTcp(POD, 8080);
  const proxy = node.proxy('--kubeconfig', await node.kubeconfig(), '--hostname-override=a');
  const refused = 'Cannot reach the API server at https://127.0.0.1:6443: connect ECONNREFUSED 127.0.0.1:6443';
  await until('told', () => proxy.stderr().includes(refused));
  await until('served', async () => (await node.get(10_256, '/healthz').catch(() => '')).startsWith('503'));
  // Nothing would come of starting it anew.
  assert.match(await node.get(10_256, '/livez'), /^200/);
  await node.startServer();
  await node.addNode('a');
  await node.addService('web', VIP, [POD]);
  await until('ready', () => proxy.stderr().includes(READY));
  assert.equal(proxy.stderr().split(refused).length, 2, proxy.stderr());
  await node.stopServer();
  assert.equal(await askTcp(client, VIP, 80), `${POD} ${CLIENT}`);
  await node.startServer();
  await node.addService('late', '10.96.0.51', [POD]);
  await until('the late one answers', async () => (await askTcp(client, '10.96.0.51', 80)) === `${POD} ${CLIENT}`);
  await node.server.delete('/api/v1/namespaces/default/services/web');
  await until('the first one is gone', () => !node.holds(VIP));
});

test('who may not read the cluster is told what to do, and starts when that is done', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const { server } = node;
  await server.post('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  await server.post('/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'proxy' } });
  const tokenFile = join(node.home.path, 'token');
  const proxy = node.proxy('--kubeconfig', await node.kubeconfig({ tokenFile }), '--node-name', 'a');
  const noFile = `Cannot log in at https://127.0.0.1:6443: ENOENT: no such file or directory, open '${tokenFile}'`;
  await until('no token', () => proxy.stderr().includes(noFile));
  writeFileSync(tokenFile, 'nonsense');
  await until('no login', () => proxy.stderr().includes('Cannot log in at https://127.0.0.1:6443: Unauthorized'));
  writeFileSync(tokenFile, await newToken(node));
  const forbidden =
    'Cannot read the cluster: services is forbidden: User "system:serviceaccount:kube-system:proxy" cannot list resource';
  await until('forbidden', () => proxy.stderr().includes(forbidden));
  assert.match(proxy.stderr(), /fix="bind the account to the ClusterRole system:node-proxier/);
  await server.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'proxy' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node-proxier' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'proxy' }],
  });
  await until('ready', () => proxy.stderr().includes(READY));
  await until('event', async () => (await eventsOf(node)).includes('Normal Starting Node a'));
  // Tokens are replaced while we run; the server that comes again takes none of the old ones.
  await node.stopServer();
  await node.startServer({ serviceAccountKey: newTokenKey() });
  await node.addService('late', VIP, [POD]);
  await until('old token', () => proxy.stderr().includes('error=Unauthorized'));
  writeFileSync(tokenFile, await newToken(node));
  await until('followed', () => node.holds(VIP));
});

test('a key that is not that of its certificate is named, and read again; so is a proxy that is not there', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const files = ['client.crt', 'client.key', 'other.key'].map((name) => join(node.home.path, name));
  const [certFile = '', keyFile = '', otherKeyFile = ''] = files;
  const [admin, other] = [await node.issueAdmin(), await node.issueAdmin()];
  for (const [file, text] of [
    [certFile, admin.cert],
    [keyFile, other.key],
    [otherKeyFile, admin.key],
  ] as const) {
    writeFileSync(file, text);
  }
  const user = { 'client-certificate': certFile, 'client-key': keyFile };
  const proxy = node.proxy('--kubeconfig', await node.kubeconfig(user), '--node-name', 'a');
  await until('told', () => /Cannot log in at https:.*key values mismatch/.test(proxy.stderr()));
  assert.match(proxy.stderr(), /fix="give it a client certificate and the key of that certificate"/);
  renameSync(otherKeyFile, keyFile);
  await until('ready', () => proxy.stderr().includes(READY));
  const behind = node.proxy(
    '--kubeconfig',
    await node.kubeconfig(user, { 'proxy-url': 'http://u:secret@127.0.0.1:1' }),
  );
  const refused =
    'Cannot reach the API server at https://127.0.0.1:6443 through 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
  await until('told of the proxy', () => behind.stderr().includes(refused));
});

async function newToken({ server }: ProxyNode): Promise<string> {
  const path = '/api/v1/namespaces/kube-system/serviceaccounts/proxy/token';
  const answer = bodyOf<{ status: { token: string } }>(await server.post(path, { spec: { expirationSeconds: 600 } }));
  return answer.status.token;
}

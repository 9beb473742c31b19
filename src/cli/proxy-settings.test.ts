/** `clusterip proxy`: the mode, the configuration file and the settings of the kernel. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { readSysctl } from '#netlink/sysctl.ts';
import { skipReason } from '#proxy/testing/mode.ts';
import { askTcp } from '#proxy/testing/network.ts';
import { ProxyNode, until } from './testing/proxy-node.ts';

isolateTestFile();
settleInOwnNetns();

const CLIENT = '10.244.0.10';
const POD = '10.244.0.11';
const VIP = '10.96.0.50';
const READY = 'rules follow the cluster';

test(
  'who changes the mode leaves no rules of the other that go on to translate what they knew',
  { skip: skipReason('iptables') },
  async () => {
    await using node = await ProxyNode.create();
    await node.startServer();
    await node.addNode('a');
    const client = node.network.addPod(CLIENT);
    const others = ['10.244.0.12', '10.244.0.13'] as const;
    for (const pod of [POD, ...others]) await node.network.serveTcp(pod, 8080);
    await node.addService('web', VIP, [POD]);
    const args = ['--kubeconfig', await node.kubeconfig(), '--node-name', 'a', '--cluster-cidr', '10.244.0.0/16'];
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-1';
    const answers = async (pod: string): Promise<boolean> => (await askTcp(client, VIP, 80)) === `${pod} ${CLIENT}`;
    for (const [mode, pod] of [
      ['nftables', POD],
      ['iptables', others[0]],
    ] as const) {
      const endpoints = [{ addresses: [pod], conditions: { ready: true }, nodeName: 'a' }];
      await node.server.patch(slices, 'merge', { endpoints });
      const proxy = node.proxy(...args, '--mode', mode);
      await until('ready', () => proxy.stderr().includes(READY));
      assert.ok(await answers(pod), mode);
      assert.deepEqual(node.tables(), mode === 'nftables' ? ['ip', 'ip6'] : []);
      proxy.child.kill('SIGTERM');
      await proxy.finished;
    }
    const { stdout } = await node.proxy('--cleanup', '--mode=iptables').finished;
    assert.match(stdout, /^removed chains KUBE-\* of iptables-\w+ in table nat$/m);
    assert.match(stdout, /^removed chains KUBE-\* of ip6tables-\w+ in table filter$/m);
    assert.equal((await node.proxy('--cleanup', '--cleanup-kube-proxy').finished).stdout, 'nothing to remove\n');
  },
);

test('a configuration that changes, as a mounted ConfigMap does, ends the proxy to be started anew, and the rules stay', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  await node.addService('web', VIP, [POD]);
  const at = (name: string): string => join(node.home.path, name);
  const write = (directory: string, mark: number): void => {
    mkdirSync(at(directory));
    const config = {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      clientConnection: { kubeconfig: at('kubeconfig'), qps: 50 },
      nftables: { masqueradeBit: mark, syncPeriod: '30s', other: true },
      // Empty is not said: this is not a way to switch a server off.
      metricsBindAddress: '',
    };
    writeFileSync(join(at(directory), 'config.conf'), JSON.stringify(config));
  };
  await node.kubeconfig();
  write('first', 14);
  symlinkSync('first', at('data'));
  const args = ['--config', join(at('data'), 'config.conf'), '--hostname-override=a', '--masquerade-all'];
  const proxy = node.proxy(...args);
  await until('ready', () => proxy.stderr().includes(READY));
  for (const line of [
    'warn proxy: the configuration file decides, not the command line ignored=--masquerade-all',
    'warn proxy: the configuration holds what means nothing warning="unknown field \\"nftables.other\\""',
    'warn proxy: fields that change nothing here fields="clientConnection.qps nftables.syncPeriod"',
  ]) {
    assert.equal(proxy.stderr().split(`${line}\n`).length, 2, proxy.stderr());
  }
  assert.equal(await node.get(10_249, '/proxyMode'), '200 nftables');
  write('second', 15);
  symlinkSync('second', at('next'));
  renameSync(at('next'), at('data'));
  const { code, stderr } = await proxy.finished;
  assert.equal(code, 1);
  assert.match(stderr, /^clusterip: The configuration "\S+config\.conf" has changed\n {2}to fix: start anew/m);
  assert.ok(node.holds(VIP));
});

/** `name=value` of settings of the node's network. */
function sysctls(node: ProxyNode, names: readonly string[]): readonly string[] {
  return inNetns(node.network.node, () => names.map((name) => `${name.split('.').at(-1)}=${readSysctl(name)}`));
}

test('addresses of NodePorts of one family leave all of the other', async () => {
  await using node = await ProxyNode.create();
  await node.startServer();
  await node.addNode('a');
  const args = ['--kubeconfig', await node.kubeconfig(), '--node-name', 'a'];
  const chosen = async (addresses: string): Promise<readonly string[]> => {
    const proxy = node.proxy(...args, '--nodeport-addresses', addresses);
    await until('ready', () => proxy.stderr().includes(READY));
    proxy.child.kill('SIGTERM');
    assert.equal((await proxy.finished).code, 0);
    return ['ip', 'ip6'].map((family) => {
      const set = node.run('nft', 'list', 'set', family, 'clusterip', 'node-addresses');
      return /elements = \{ (.*) \}/.exec(set)?.[1] ?? '';
    });
  };
  assert.deepEqual(await chosen('192.0.2.0/24'), ['192.0.2.0/24', '::/0']);
  assert.deepEqual(await chosen('fd00::/8'), ['0.0.0.0/0', 'fd00::/8']);
});

test('settings of the kernel are made as the configuration says, and rules go by what the kernel has', async () => {
  await using node = await ProxyNode.create();
  const conntrack = [
    'tcp_be_liberal',
    'tcp_timeout_established',
    'tcp_timeout_close_wait',
    'udp_timeout',
    'udp_timeout_stream',
  ];
  const names = [...conntrack.map((name) => `net.netfilter.nf_conntrack_${name}`), 'net.ipv4.conf.all.route_localnet'];
  const before = sysctls(node, names);
  const none = [
    '--conntrack-tcp-timeout-established=0s',
    '--conntrack-tcp-timeout-close-wait=0s',
    '--conntrack-max-per-core=0',
  ];
  assert.deepEqual((await node.proxy('--init-only', '--localhost-nodeports=false', ...none).finished).code, 0);
  assert.deepEqual(sysctls(node, names), before);
  const some = [
    '--conntrack-tcp-timeout-established=23h',
    '--conntrack-tcp-timeout-close-wait=1m1s',
    '--conntrack-max-per-core=0',
  ];
  const udp = ['--conntrack-udp-timeout=31s', '--conntrack-udp-timeout-stream=2m2s', '--conntrack-tcp-be-liberal'];
  const done = await node.proxy('--init-only', ...some, ...udp).finished;
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(sysctls(node, names), [
    'nf_conntrack_tcp_be_liberal=1',
    'nf_conntrack_tcp_timeout_established=82800',
    'nf_conntrack_tcp_timeout_close_wait=61',
    'nf_conntrack_udp_timeout=31',
    'nf_conntrack_udp_timeout_stream=122',
    'route_localnet=1',
  ]);
  // Whoever made it so: next to nothing is invalid, and what is may pass.
  await node.startServer();
  await node.addNode('a');
  const proxy = node.proxy('--kubeconfig', await node.kubeconfig(), '--node-name', 'a', ...none);
  await until('ready', () => proxy.stderr().includes(READY));
  const listed = inNetns(node.network.node, () =>
    spawnSync('nft', ['list', 'chain', 'ip', 'clusterip', 'filter-forward'], { encoding: 'utf8' }),
  );
  assert.match(listed.stdout, /ct state established,related accept/);
  assert.doesNotMatch(listed.stdout, /ct state invalid/);
});

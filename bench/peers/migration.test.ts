/** The steps of docs/migrate-from-kube-proxy.md with a real kube-proxy, there and back, while connections are open. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { until } from '../../src/cli/testing/proxy-node.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { setns, settleInOwnNetns } from '../../src/netlink/namespace.ts';
import { askAgain, askTcp, connectTcp, Network, NODE_ADDRESS } from '../../src/proxy/testing/network.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();
settleInOwnNetns();

type Mode = 'nftables' | 'iptables';

const CLIENT = '10.244.0.10';
const POD = '10.244.0.11';
const VIP = '10.96.0.50';
const NODE_PORT = 30_080;
const OUTSIDE = '192.168.0.9';
const CONNTRACK = 'conntrack: { maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }';

async function create(api: KubeApiServer): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const answer = await api.ask({ method: 'POST', path, body });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  };
  const status = { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] };
  await post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, status });
  await post('/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'NodePort', clusterIP: VIP, ports: [{ port: 80, nodePort: NODE_PORT }] },
  });
  await post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [POD], nodeName: 'a', conditions: { ready: true } }],
  });
}

/** Connections from a Pod to the cluster address and from outside to the NodePort: old ones, and new ones each time. */
class Traffic {
  readonly #network: Network;
  readonly #client: number;
  readonly #outside: number;
  readonly #open: Socket[] = [];

  constructor(network: Network) {
    this.#network = network;
    this.#client = network.addPod(CLIENT);
    this.#outside = network.addOutside(OUTSIDE);
  }

  async begin(): Promise<void> {
    for (const [netns, address, port] of this.#ways()) {
      const socket = await connectTcp(netns, address, port);
      if (typeof socket === 'string') throw new Error(socket);
      this.#open.push(socket);
    }
  }

  /** All that was ever begun goes on, and so does what begins now. */
  async goesOn(when: string): Promise<void> {
    for (const way of this.#ways()) assert.ok((await askTcp(...way)).startsWith(POD), when);
    for (const socket of this.#open) assert.ok((await askAgain(socket)).startsWith(POD), when);
    await this.begin();
  }

  end(): void {
    for (const socket of this.#open.splice(0)) socket.destroy();
  }

  #ways(): readonly (readonly [number, string, number])[] {
    const node = this.#network.node;
    return [
      [this.#client, VIP, 80],
      [this.#outside, NODE_ADDRESS, NODE_PORT],
      [node, VIP, 80],
    ];
  }
}

function run(command: string, ...args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout;
}

/** Before, a packet would be remembered as one that nobody translates. */
function isProgrammed(mode: Mode): boolean {
  const rules = mode === 'iptables' ? run('iptables-save') : run('nft', 'list', 'table', 'ip', 'kube-proxy');
  return rules.includes(`${POD}:8080`);
}

/** Whose rules there are. */
function whose(): string {
  const tables = run('nft', 'list', 'tables')
    .split('\n')
    .filter((line) => /clusterip|kube-proxy/.test(line));
  const kube = run('iptables-save').match(/^:KUBE-(?!MARK-MASQ|FIREWALL)\S+/gm) ?? [];
  return [...tables, ...(kube.length > 0 ? ['KUBE-*'] : [])].join(', ');
}

const OURS = { nftables: 'table ip clusterip, table ip6 clusterip', iptables: 'KUBE-*' } as const;
const REMOVED = {
  nftables: 'removed table ip kube-proxy',
  iptables: 'removed chains KUBE-* of iptables-nft in table nat',
} as const;
const NOTHING = 'nothing to remove';
const LEFT = { nftables: 'table ip kube-proxy, table ip6 kube-proxy', iptables: 'KUBE-*' } as const;

const missing = peerMissing() ?? kubeProxyMissing();

test('from kube-proxy and back, in each mode to each, connections stay open', { skip: missing ?? false }, async (t) => {
  await using network = new Network();
  const traffic = new Traffic(network);
  await network.serveTcp(POD, 8080);
  // From here on the process is on the node.
  setns(network.node, 'net');
  await using api = await KubeApiServer.start(['10.96.0.0/12']);
  await create(api);
  using home = new CommandHome();
  const kubeconfig = join(home.path, 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig);
  const kubeProxy = async (mode: Mode): Promise<KubeProxy> => {
    const proxy = new KubeProxy({ mode, kubeconfig: api.kubeconfig, nodeName: 'a', clusterCidrs: ['10.244.0.0/16'] });
    await until('kube-proxy is healthy', isHealthy);
    await until('kube-proxy has programmed', () => isProgrammed(mode));
    return proxy;
  };
  for (const [from, to] of [
    ['nftables', 'nftables'],
    ['nftables', 'iptables'],
    ['iptables', 'nftables'],
    ['iptables', 'iptables'],
  ] as const) {
    await t.test(`from its mode ${from} to ours ${to}`, async () => {
      const config = join(home.path, 'config.conf');
      const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
      const client = `clientConnection: { kubeconfig: ${kubeconfig} }`;
      writeFileSync(config, `${head}mode: ${to}\nclusterCIDR: 10.244.0.0/16\n${client}\n${CONNTRACK}\n`);
      const theirs = await kubeProxy(from);
      await traffic.begin();
      await theirs[Symbol.asyncDispose]();
      await traffic.goesOn('kube-proxy is gone');
      const ours = home.start(['proxy', '--config', config, '--node-name=a']);
      await until('ours is healthy', isHealthy);
      await traffic.goesOn('ours is there');
      const cleanup = await home.run(['proxy', '--cleanup-kube-proxy', '--mode', to]);
      const nothing = from === 'iptables' && to === 'iptables';
      const [first = ''] = cleanup.stdout.split('\n');
      assert.deepEqual(
        { ...cleanup, stdout: first },
        { code: 0, stdout: nothing ? NOTHING : REMOVED[from], stderr: '' },
      );
      assert.equal(whose(), OURS[to]);
      await traffic.goesOn('kube-proxy has left nothing');
      ours.child.kill('SIGTERM');
      assert.equal((await ours.finished).code, 0);
      await traffic.goesOn('ours has ended');
      await using again = await kubeProxy(from);
      await traffic.goesOn('kube-proxy is there again');
      const { code } = await home.run(['proxy', '--cleanup']);
      assert.equal(code, 0);
      await traffic.goesOn('ours has left nothing');
      assert.equal(whose(), LEFT[from]);
      traffic.end();
      await again[Symbol.asyncDispose]();
      await home.run(['proxy', '--cleanup-kube-proxy']);
      assert.equal(whose(), '');
    });
  }
});

async function isHealthy(): Promise<boolean> {
  const answer = await fetch('http://127.0.0.1:10256/healthz').catch(() => undefined);
  return answer?.status === 200;
}

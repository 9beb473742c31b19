/** `--cleanup-kube-proxy` takes away what the real kube-proxy left in either mode, and nothing that others have made. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { until } from '../../src/cli/testing/proxy-node.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { RtnetlinkSocket } from '../../src/netlink/rtnetlink-socket.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();

const OTHERS = [
  '*filter',
  ':OTHERS - [0:0]',
  ':KUBE-KUBELET-CANARY - [0:0]',
  '-A OTHERS -s 192.0.2.0/24 -j DROP',
  '-A FORWARD -j OTHERS',
  'COMMIT',
  '',
].join('\n');
/** Chains that the kubelet has as well, as kube-proxy fills them: they lead nowhere by themselves. */
const SHARED = /KUBE-(MARK-MASQ|FIREWALL)/;

function run(command: string, args: readonly string[], input: string = ''): string {
  const result = spawnSync(command, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
  return result.stdout;
}

/** All rules there are, without counters and without tables that have none. */
function rules(): string[] {
  const saved = ['iptables-save', 'ip6tables-save'].flatMap((command) =>
    run(command, [])
      .split('\n')
      .filter((line) => /^(:(?!INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)|-A)/.test(line))
      .map((line) => `${command} ${line.replace(/ \[\d+:\d+\]$/, '')}`),
  );
  const tables = run('nft', ['list', 'tables'])
    .split('\n')
    .filter((line) => !/^table ip6? (filter|nat|mangle)$/.test(line) && line !== '');
  return [...tables, ...saved];
}

async function addService(api: KubeApiServer): Promise<void> {
  const services = '/api/v1/namespaces/default/services';
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'first' },
    spec: { clusterIP: '10.96.0.50', type: 'NodePort', ports: [{ port: 80 }] },
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'first-1', labels: { 'kubernetes.io/service-name': 'first' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: true } }],
  };
  // Without its node kube-proxy waits for half a minute.
  const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, status };
  assert.equal((await api.ask({ method: 'POST', path: '/api/v1/nodes', body: node })).status, 201);
  assert.equal((await api.ask({ method: 'POST', path: services, body: service })).status, 201);
  assert.equal((await api.ask({ method: 'POST', path: slices, body: slice })).status, 201);
}

function isProgrammed(mode: 'nftables' | 'iptables'): boolean {
  const backend = '10.244.0.5:8080';
  if (mode === 'iptables') return rules().some((rule) => rule.includes(backend));
  const hasTable = rules().includes('table ip kube-proxy');
  return hasTable && run('nft', ['list', 'table', 'ip', 'kube-proxy']).includes(backend);
}

async function leaveRules(api: KubeApiServer, mode: 'nftables' | 'iptables'): Promise<void> {
  const { kubeconfig } = api;
  await using proxy = new KubeProxy({ mode, kubeconfig, nodeName: 'a', clusterCidrs: ['10.244.0.0/16'] });
  await until('kube-proxy has programmed the Service', () => proxy.isRunning && isProgrammed(mode));
}

const missing = peerMissing() ?? kubeProxyMissing();

test('what the real kube-proxy left is taken away, in both of its modes', { skip: missing ?? false }, async () => {
  {
    using rtnetlink = RtnetlinkSocket.open();
    rtnetlink.setLink('lo', { up: true });
  }
  run('iptables-restore', ['--noflush'], OTHERS);
  run('nft', ['-f', '-'], 'add table ip others\n');
  const before = rules();
  using home = new CommandHome();
  await using api = await KubeApiServer.start(['10.96.0.0/12']);
  await addService(api);
  for (const mode of ['nftables', 'iptables'] as const) {
    await leaveRules(api, mode);
    assert.notDeepEqual(rules(), before);
    const { code, stdout, stderr } = await home.run(['proxy', '--cleanup-kube-proxy']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, mode === 'nftables' ? /^removed table ip kube-proxy$/m : /KUBE-\* of iptables/);
    assert.deepEqual(
      rules().filter((rule) => !SHARED.test(rule)),
      before,
    );
    assert.equal((await home.run(['proxy', '--cleanup-kube-proxy'])).stdout, 'nothing to remove\n');
  }
});

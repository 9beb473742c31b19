/**
 * Gives the same Services to a real kube-proxy in mode iptables and to our own proxy, each in a network namespace of its
 * own, and compares what iptables-save prints afterwards. `--record` writes what kube-proxy made into the file that our own
 * test goes by.
 * Run: `bench/peers/build.sh kube-apiserver`, `bench/peers/build.sh kube-proxy`, then
 * `bin/node bench/peers/iptables-rules.ts [--record]`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { NfacctSocket } from '../../src/netlink/nfacct-socket.ts';
import { RtnetlinkSocket } from '../../src/netlink/rtnetlink-socket.ts';
import { Proxy } from '../../src/proxy/sync.ts';
import { comparable } from '../../src/proxy/testing/comparable.ts';
import { everything, EVERYTHING_NODE } from '../../src/proxy/testing/everything.ts';
import { cidr, ip } from '../../src/proxy/testing/network.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();

const GOLDEN = new URL('../../src/proxy/testdata/kube-proxy-iptables.txt', import.meta.url);
const WAIT_MS = 60_000;

type Object = ReturnType<typeof everything>[number];

const missing = peerMissing() ?? kubeProxyMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}

function addNodeAddresses(): void {
  using rtnetlink = RtnetlinkSocket.open();
  rtnetlink.setLink('lo', { up: true });
  for (const address of EVERYTHING_NODE.addresses) {
    rtnetlink.addAddress({ ip: ip(address), prefix: address.includes(':') ? 128 : 32, link: 1 });
  }
}

async function create(server: KubeApiServer, object: Object): Promise<void> {
  const { name, labels } = object.metadata;
  const isService = object.kind === 'Service';
  const path = isService
    ? '/api/v1/namespaces/default/services'
    : '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const body = { ...object, metadata: { name, labels }, ...(isService ? { status: undefined } : {}) };
  const made = await server.ask({ method: 'POST', path, body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  if (!isService || object.status?.loadBalancer === undefined) return;
  const contentType = 'application/merge-patch+json';
  const patched = await server.ask({
    method: 'PATCH',
    path: `${path}/${name}/status`,
    body: { status: object.status },
    contentType,
  });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
}

async function createNode(server: KubeApiServer): Promise<void> {
  const { name, zone, addresses } = EVERYTHING_NODE;
  const metadata = { name, labels: { 'topology.kubernetes.io/zone': zone } };
  const made = await server.ask({
    method: 'POST',
    path: '/api/v1/nodes',
    body: { apiVersion: 'v1', kind: 'Node', metadata },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  const contentType = 'application/merge-patch+json';
  const path = `/api/v1/nodes/${name}/status`;
  const patched = await server.ask({ method: 'PATCH', path, body: { status }, contentType });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
}

function programmed(): string {
  return (['iptables', 'ip6tables'] as const)
    .flatMap((program) =>
      (['filter', 'nat', 'mangle'] as const).map((table) => {
        const saved = execFileSync(`${program}-save`, ['-t', table], { encoding: 'utf8' });
        return `# ${program}\n${comparable(table, saved)}`;
      }),
    )
    .join('');
}

/** Until it has not changed for a while: kube-proxy waits a second between two rounds. */
async function settled(proxy: KubeProxy): Promise<string> {
  const until = systemClock.monotonic() + WAIT_MS;
  let last = '';
  let same = 0;
  while (same < 8) {
    if (!proxy.isRunning || systemClock.monotonic() > until) throw new Error(proxy.log.slice(-4000));
    await systemClock.sleep(500);
    const now = programmed();
    same = now === last && now.includes('default/twice') && now.includes('ip6') ? same + 1 : 0;
    last = now;
  }
  return last;
}

addNodeAddresses();
await using server = await KubeApiServer.start(['10.96.0.0/16', 'fd00:96::/108']);
await createNode(server);
for (const object of everything()) await create(server, object);
// The API server has a Service of its own, which ours does not get.
await server.ask({ method: 'DELETE', path: '/api/v1/namespaces/default/services/kubernetes' });
const { name, podCidrs } = EVERYTHING_NODE;
const options = { mode: 'iptables', kubeconfig: server.kubeconfig, nodeName: name, clusterCidrs: podCidrs } as const;
await using proxy = new KubeProxy(options);
const made = (await settled(proxy))
  .split('\n')
  .filter((line) => !line.includes('default/kubernetes:'))
  .join('\n');
if (process.argv.includes('--record')) writeFileSync(GOLDEN, made);
assert.equal(made, readFileSync(GOLDEN, 'utf8'));
console.log(`kube-proxy makes what is recorded: ${made.split('\n').length} lines`);

/** Every rule of our chains with the number that the kernel gave it: one that is written again gets another. */
function handles(): string {
  const listed = execFileSync('nft', ['-a', 'list', 'table', 'ip', 'nat'], { encoding: 'utf8' });
  return [...listed.matchAll(/chain KUBE-(?:.|\n)*?\n\t}/g)].join('\n');
}

await proxy[Symbol.asyncDispose]();
const before = handles();
using counters = NfacctSocket.open();
using ours = new Proxy({
  nodeName: name,
  iptables: { counters },
  serviceCidrs: ['10.96.0.0/16', 'fd00:96::/108'].map(cidr),
  podCidrs: podCidrs.map(cidr),
  node: { addresses: EVERYTHING_NODE.addresses, zone: EVERYTHING_NODE.zone },
  clock: systemClock,
  log: silentLog,
});
for (const object of everything()) ours.note({ kind: 'set', object });
ours.start();
await ours.settled();
assert.equal(handles(), before);
console.log(`our proxy takes all ${before.split('\n').length} lines of its chains over and writes none of them`);

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
import { Proxy } from '../../src/proxy/sync.ts';
import { everything, EVERYTHING_NODE } from '../../src/proxy/testing/everything.ts';
import { cidr } from '../../src/proxy/testing/network.ts';
import { addNodeAddresses, settledRules, startEverything } from './iptables-everything.ts';
import { peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();

const GOLDEN = new URL('../../src/proxy/testdata/kube-proxy-iptables.txt', import.meta.url);

const missing = peerMissing() ?? kubeProxyMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}

addNodeAddresses();
await using server = await startEverything();
const { name, podCidrs } = EVERYTHING_NODE;
const options = { mode: 'iptables', kubeconfig: server.kubeconfig, nodeName: name, clusterCidrs: podCidrs } as const;
await using proxy = new KubeProxy(options);
const made = await settledRules(proxy);
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

/** With each flag that rules depend on, `clusterip proxy` makes the same rules as a real kube-proxy with the same flag. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { EVERYTHING_NODE } from '../../src/proxy/testing/everything.ts';
import { addNodeAddresses, settledRules, startEverything } from './iptables-everything.ts';
import { peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();

const VARIANTS: readonly (readonly string[])[] = [
  ['--masquerade-all', '--iptables-masquerade-bit=3', '--conntrack-tcp-be-liberal'],
  ['--detect-local-mode=BridgeInterface', '--pod-bridge-interface=cni0'],
  ['--detect-local-mode=InterfaceNamePrefix', '--pod-interface-name-prefix=veth', '--nodeport-addresses=primary'],
  ['--detect-local-mode=NodeCIDR', '--iptables-localhost-nodeports=false'],
  ['--bind-address=172.18.0.9'],
];

function without(text: string, other: string): readonly string[] {
  const lines = new Set(other.split('\n'));
  return text.split('\n').filter((line) => !lines.has(line));
}

const missing = peerMissing() ?? kubeProxyMissing();

test('each flag makes of rules what it makes of those of kube-proxy', { skip: missing ?? false }, async (t) => {
  addNodeAddresses();
  await using server = await startEverything();
  using home = new CommandHome();
  const file = join(home.path, 'kubeconfig');
  writeFileSync(file, server.kubeconfig);
  const empty = (): void => assert.equal(spawnSync('nft', ['flush', 'ruleset']).status, 0);
  for (const flags of VARIANTS) {
    await t.test(flags.join(' '), async () => {
      let theirs: string;
      {
        const options = { kubeconfig: server.kubeconfig, nodeName: EVERYTHING_NODE.name, clusterCidrs: [], flags };
        await using proxy = new KubeProxy({ mode: 'iptables', ...options });
        theirs = await settledRules(proxy);
      }
      empty();
      const own = ['proxy', '--proxy-mode=iptables', '--kubeconfig', file, '--node-name', EVERYTHING_NODE.name];
      const { child, finished } = home.start([...own, ...flags]);
      let log = '';
      child.stderr?.on('data', (text: string) => (log += text));
      try {
        const proxy = {
          isRunning: true,
          get log(): string {
            return log;
          },
        };
        const ours = await settledRules(proxy);
        if (ours !== theirs) assert.deepEqual(without(ours, theirs), without(theirs, ours));
        assert.ok(ours === theirs, 'rules are in another order');
      } finally {
        child.kill('SIGTERM');
        await finished;
        empty();
      }
    });
  }
});

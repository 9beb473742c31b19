import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NfacctSocket } from '#netlink/nfacct-socket.ts';
import { Proxy } from '../sync.ts';
import { comparable, withoutCounters } from '../testing/comparable.ts';
import { everything, EVERYTHING_NODE } from '../testing/everything.ts';
import { iptablesOptions, skipReason } from '../testing/mode.ts';
import { cidr } from '../testing/network.ts';
import { IptablesCommands } from './commands-sync.ts';

isolateTestFile();
settleInOwnNetns();

/** What kube-proxy 1.34.2 makes of the same objects: `bench/peers/iptables-rules.ts --record` wrote it. */
const golden = readFileSync(new URL('../testdata/kube-proxy-iptables.txt', import.meta.url), 'utf8');

for (const mode of ['iptables', 'iptables-legacy'] as const) {
  test(
    `${mode}: rules for every feature are those of kube-proxy, word for word`,
    { skip: skipReason(mode) },
    async (t) => {
      const netns = createNetns();
      t.after(() => closeSync(netns));
      const { name, zone, addresses, podCidrs } = EVERYTHING_NODE;
      using counters = inNetns(netns, () => NfacctSocket.open());
      const iptables = { ...iptablesOptions(mode, netns), counters };
      using proxy = new Proxy({
        nodeName: name,
        iptables,
        serviceCidrs: [cidr('10.96.0.0/16'), cidr('fd00:96::/108')],
        podCidrs: podCidrs.map(cidr),
        node: { addresses, zone },
        clock: systemClock,
        log: { debug() {}, info() {}, warn: assert.fail, error: assert.fail },
      });
      for (const object of everything()) proxy.note({ kind: 'set', object });
      proxy.start();
      await proxy.settled();
      let text = '';
      for (const family of [4, 6] as const) {
        const commands = new IptablesCommands(family, iptables);
        for (const table of ['filter', 'nat', 'mangle'] as const) {
          text += `# ${family === 4 ? 'iptables' : 'ip6tables'}\n${comparable(table, await commands.save(table))}`;
        }
      }
      const isCounted = text.includes('nfacct');
      if (!isCounted) t.diagnostic('this kernel has no nfacct');
      assert.equal(text, isCounted ? golden : withoutCounters(golden));
    },
  );
}

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { iptablesOptions, skipReason } from '../testing/mode.ts';
import { IptablesCommands } from './commands-sync.ts';
import { probeIptables } from './probe-sync.ts';

isolateTestFile();
settleInOwnNetns();

test(
  'iptables-legacy: a lock that others keep is said to be that',
  { skip: skipReason('iptables-legacy') },
  async (t) => {
    const netns = createNetns();
    t.after(() => closeSync(netns));
    const options = { ...iptablesOptions('iptables-legacy', netns), lockSeconds: 1 };
    const { lockFile = '' } = options;
    writeFileSync(lockFile, '');
    const holder = spawn('flock', [lockFile, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => holder.kill());
    await once(holder.stdout, 'data');
    const commands = new IptablesCommands(4, options);
    await assert.rejects(probeIptables(commands), {
      code: 'EXTABLESLOCK',
      message: /^iptables-legacy-restore failed with 4: .*Another app is currently holding the xtables lock/,
      hint: 'find out who holds it, as with `fuser /run/xtables.lock`; it is waited for again',
    });
    holder.stdin.end();
    await once(holder, 'exit');
    await probeIptables(commands);
  },
);

const ONLY_NFT = `table ip nat {
  chain POSTROUTING {
    type nat hook postrouting priority 100
    ip saddr . ip daddr { 192.0.2.1 . 192.0.2.2 } masquerade random,persistent
  }
}
`;

test('iptables: rules that only nft can read are not taken for none', { skip: skipReason('iptables') }, async (t) => {
  const netns = createNetns();
  t.after(() => closeSync(netns));
  const commands = new IptablesCommands(4, iptablesOptions('iptables', netns));
  const nft = (input: string): void => {
    const { status, stderr } = inNetns(netns, () => spawnSync('nft', ['-f', '-'], { input, encoding: 'utf8' }));
    assert.equal(status, 0, stderr);
  };
  nft(ONLY_NFT);
  const error = {
    code: 'EIPTABLES',
    message: 'Cannot read the table nat of iptables: it has rules that only nft can read',
    hint: 'move those into a table of another name, `nft list table ip nat` shows them, or use mode nftables',
  };
  await assert.rejects(commands.save('nat'), error);
  await commands.save('filter');
  nft('delete table ip nat');
  assert.equal(await commands.list('nat', 'KUBE-SERVICES'), undefined);
  await commands.save('nat');
});

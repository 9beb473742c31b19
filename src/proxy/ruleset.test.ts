import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { renderTable } from '#nftables/render.ts';
import { describePlan } from './describe.ts';
import { Model } from './model.ts';
import { Plan } from './plan.ts';
import { ruleset } from './ruleset.ts';
import { TableSync } from './table-sync.ts';
import { cidr } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const small = `table ip clusterip {
	comment "Services"
	map services {
		typeof ip daddr . meta l4proto . th dport : meta priority
		comment "frontend : backends"
		elements = { 10.96.0.10 . udp . 53 : 6b70:1,
			     10.96.0.50 . tcp . 80 : 6b70:2 }
	}

	map pick {
		typeof meta priority : verdict
		comment "backends : chain"
		elements = { 6b70:1 : goto pick-1, 6b70:2 : goto pick-2 }
	}

	map endpoints {
		typeof ip daddr . meta l4proto . th dport . numgen random mod 1024 : ip daddr . th dport
		elements = { 10.96.0.10 . udp . 53 . 0 : 10.244.1.2 . 5353,
			     10.96.0.50 . tcp . 80 . 0 : 10.244.0.5 . 8080,
			     10.96.0.50 . tcp . 80 . 1 : 10.244.1.5 . 8080 }
	}

	set addresses {
		typeof ip daddr
		comment "cluster addresses in use"
		elements = { 10.96.0.10, 10.96.0.50,
			     10.96.0.60 }
	}

	set ranges {
		typeof ip daddr
		flags interval
		comment "where cluster addresses come from"
		elements = { 10.96.0.0/12 }
	}

	set hairpin {
		typeof ip saddr . ip daddr
		comment "backends on this node"
		elements = { 10.244.0.5 . 10.244.0.5 }
	}

	set protocols {
		typeof meta l4proto
		elements = { tcp, udp, sctp }
	}

	chain pick-1 {
		meta priority set none
		meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
	}

	chain pick-2 {
		meta priority set none
		meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints
		meta l4proto @protocols dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints
	}

	chain dispatch {
		meta priority set ip daddr . meta l4proto . th dport map @services meta priority vmap @pick
	}

	chain refuse {
		ct state invalid drop comment "a reset would end the connection it strayed from"
		reject with tcp reset
		reject
	}

	chain untranslated {
		ct state established,related accept
		ip daddr @addresses goto refuse comment "no backends, or no such port"
		ip daddr @ranges drop comment "nobody has the address"
	}

	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		goto dispatch
	}

	chain nat-output {
		type nat hook output priority -100; policy accept;
		goto dispatch
	}

	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ct status dnat ip saddr . ip daddr @hairpin masquerade
	}

	chain filter-forward {
		type filter hook forward priority filter; policy accept;
		goto untranslated
	}

	chain filter-output {
		type filter hook output priority filter; policy accept;
		goto untranslated
	}
}
`;

test('the ruleset of a small cluster, as text and as nft lists it', (t) => {
  const model = new Model({ nodeName: 'a', families: [4], log: silentLog });
  model.setService(service('dns', '10.96.0.10', [{ port: 53, protocol: 'UDP' }]));
  model.setService(service('web', '10.96.0.50', [{ port: 80 }]));
  model.setService(service('empty', '10.96.0.60', [{ port: 80 }]));
  model.setSlice(slice('dns', ['10.244.1.2 node=b'], [{ port: 5353, protocol: 'UDP' }]));
  model.setSlice(slice('web', ['10.244.0.5', '10.244.1.5 node=b', '10.244.1.6 notready'], [{ port: 8080 }]));
  const changes = model.takeChanges();
  const ranges = [cidr('10.96.0.0/12')];
  const plan = new Plan(ruleset(4));
  plan.apply(changes);
  assert.equal(renderTable(describePlan(plan, ranges)), small);
  agreesWithNft(t, small, (socket) => new TableSync(socket, 4, ranges).resync(changes, () => {}));
});

test('the ruleset of IPv6, as nft lists it', (t) => {
  const model = new Model({ nodeName: 'a', families: [6], log: silentLog });
  model.setService(service('web', 'fd00:96::50', [{ port: 80 }]));
  model.setSlice(slice('web', ['fd00:244::5', 'fd00:244::6'], [{ port: 8080 }], { addressType: 'IPv6' }));
  const changes = model.takeChanges();
  const ranges = [cidr('fd00:96::/108'), cidr('10.96.0.0/12')];
  const plan = new Plan(ruleset(6));
  plan.apply(changes);
  const text = renderTable(describePlan(plan, ranges));
  assert.match(text, /elements = { fd00:96::50 . tcp . 80 . 0 : fd00:244::5 . 8080,/);
  agreesWithNft(t, text, (socket) => new TableSync(socket, 6, ranges).resync(changes, () => {}));
});

function agreesWithNft(t: TestContext, text: string, program: (socket: NftablesSocket) => void): void {
  const netns = createNetns();
  const other = createNetns();
  t.after(() => [netns, other].forEach((fd) => closeSync(fd)));
  using socket = inNetns(netns, () => NftablesSocket.open());
  program(socket);
  const listed = inNetns(netns, () => spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }));
  if (listed.error !== undefined) return t.skip('nft is not installed');
  // The kernel lists chains in the order in which they were made.
  assert.deepEqual(blocks(listed.stdout), blocks(text));
  assert.equal(listed.stderr, '');
  const json = inNetns(netns, () => spawnSync('nft', ['-j', 'list', 'ruleset'], { encoding: 'utf8' }));
  assert.deepEqual([json.status, json.stderr], [0, '']);
  // What nft lists, it takes again.
  const again = inNetns(other, () => spawnSync('nft', ['-f', '-'], { input: listed.stdout, encoding: 'utf8' }));
  assert.deepEqual([again.status, again.stderr], [0, '']);
}

function blocks(text: string): string[] {
  return text.split('\n\t}\n').sort();
}

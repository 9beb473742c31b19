import assert from 'node:assert/strict';
import test from 'node:test';
import { formatNetworkStep } from '#node/network-step.ts';
import { renderTable } from '#nftables/render.ts';
import { egressRules, pastaArguments, planEgress } from './egress-network.ts';

test('planEgress() joins the fabric and pasta, and brings answers back', () => {
  const { wire, pasta, fabric } = planEgress(['172.18.0.0/16', '10.244.0.0/16']);
  const text = [...wire, ...pasta, ...fabric].map((step) => `${formatNetworkStep(step)}\n`).join('');
  assert.equal(
    text,
    `\
link add egress type veth peer fabric
net.ipv4.ip_forward = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.egress0.rp_filter = 0
net.ipv4.conf.fabric.rp_filter = 0
addr add 169.254.77.2/30 dev fabric
link set fabric up
route replace 172.18.0.0/16 via 169.254.77.1
route replace 10.244.0.0/16 via 169.254.77.1
addr add 169.254.77.1/30 dev egress
link set egress up
route replace default via 169.254.77.2
`,
  );
  assert.equal(
    egressRules(['10.244.0.0/16']).map(renderTable).join(''),
    `table ip clusterip-egress {
	chain out {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "egress0" masquerade
	}
}
`,
  );
});

test('planEgress() leads each family out where nodes and Pods have it', () => {
  const inside = ['fd00:172:18::/64', '172.18.0.0/16', 'fd00:10:244::/56', '10.244.0.0/16'];
  const { pasta, fabric } = planEgress(inside);
  const text = [...pasta.slice(4), ...fabric].map((step) => `${formatNetworkStep(step)}\n`).join('');
  assert.equal(
    text,
    `\
net.ipv6.conf.all.forwarding = 1
net.ipv6.conf.fabric.accept_dad = 0
addr add 169.254.77.2/30 dev fabric
addr add fd77:a9fe:4d01::2/64 dev fabric
link set fabric up
route replace 172.18.0.0/16 via 169.254.77.1
route replace 10.244.0.0/16 via 169.254.77.1
route replace fd00:172:18::/64 via fd77:a9fe:4d01::1
route replace fd00:10:244::/56 via fd77:a9fe:4d01::1
addr add 169.254.77.1/30 dev egress
addr add fd77:a9fe:4d01::1/64 dev egress
link set egress up
route replace default via 169.254.77.2
route replace default via fd77:a9fe:4d01::2
`,
  );
  assert.deepEqual(
    egressRules(inside).map(({ family }) => family),
    ['ip', 'ip6'],
  );
});

const addressing = (inside: readonly string[]): string =>
  pastaArguments({ asRoot: false, inside })
    .filter((word) => /only|address|netmask|gateway/.test(word))
    .join(' ');
const ADDRESS_4 = '--address=169.254.77.6 --netmask=30 --gateway=169.254.77.5';
const ADDRESS_6 = '--address=fd77:a9fe:4d02::2 --gateway=fd77:a9fe:4d02::1';

test('pasta serves the families that the cluster has', () => {
  assert.equal(addressing(['10.244.0.0/16']), `--ipv4-only ${ADDRESS_4}`);
  assert.equal(addressing(['fd00:10:244::/56']), `--ipv6-only ${ADDRESS_6}`);
  assert.equal(addressing(['fd00:10:244::/56', '10.244.0.0/16']), `${ADDRESS_4} ${ADDRESS_6}`);
});

test('pasta may forward nothing inwards, and its program is no option of its own', () => {
  const inside = ['10.244.0.0/16'];
  const text = pastaArguments({ asRoot: true, inside }).join(' ');
  assert.match(text, /--no-map-gw --tcp-ports=none --udp-ports=none --tcp-ns=none --udp-ns=none/);
  assert.match(text, / --runas=0:0 -- sh -c echo up; read _$/);
  assert.doesNotMatch(pastaArguments({ asRoot: false, inside }).join(' '), /runas/);
});

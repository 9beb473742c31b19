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
    renderTable(egressRules),
    `table ip clusterip-egress {
	chain out {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "egress0" masquerade
	}
}
`,
  );
});

test('pasta may forward nothing inwards, and its program is no option of its own', () => {
  const text = pastaArguments({ asRoot: true }).join(' ');
  assert.match(text, /--no-map-gw --tcp-ports=none --udp-ports=none --tcp-ns=none --udp-ns=none/);
  assert.match(text, / --runas=0:0 -- sh -c echo up; read _$/);
  assert.doesNotMatch(pastaArguments({ asRoot: false }).join(' '), /runas/);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatNetworkStep, type NetworkStep } from './network-step.ts';
import { planFabric, planNodeNetwork, planNodeRoutes, planServiceRanges } from './node-network.ts';
import { planPodNetwork } from './pod-network.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed);
  return parsed;
};

const text = (steps: readonly NetworkStep[]): string => `${steps.map(formatNetworkStep).join('\n')}\n`;

const sysctls = `\
net.ipv4.ip_forward = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.default.rp_filter = 0
net.ipv4.conf.default.route_localnet = 1
net.ipv4.icmp_ratelimit = 0
net.ipv6.conf.all.forwarding = 1
net.ipv6.conf.default.accept_dad = 0
net.ipv6.icmp.ratelimit = 0
`;

test('planFabric() is a bridge with the control plane on it', () => {
  assert.equal(
    text(planFabric({ addresses: ['172.18.0.1/16', 'fd00:172:18::1/64'] })),
    `${sysctls}\
link set lo up
link add fabric type bridge
addr add 172.18.0.1/16 dev fabric
addr add fd00:172:18::1/64 dev fabric
link set fabric up
`,
  );
});

test('planNodeNetwork() puts a node on the bridge', () => {
  const plan = planNodeNetwork({
    nodeName: 'node-1',
    addresses: ['172.18.0.2/16', 'fd00:172:18::2/64'],
    gateways: ['172.18.0.1'],
    podCidrs: [cidr('10.244.0.0/24'), cidr('fd00:10:244::/64')],
    serviceCidrs: [cidr('10.96.0.0/12'), cidr('fd00:10:96::/112')],
    loadBalancerCidrs: [cidr('127.77.0.0/24'), cidr('192.0.2.0/24'), cidr('fd00:7f::/112')],
  });
  assert.equal(
    `fabric:\n${text(plan.fabric)}node:\n${text(plan.node)}`,
    `\
fabric:
link add node54c43383 type veth peer eth0 master fabric
link set node54c43383 up
node:
${sysctls}\
net.ipv4.conf.eth0.route_localnet = 1
net.ipv6.conf.eth0.accept_dad = 0
net.netfilter.nf_conntrack_tcp_timeout_established = 86400
net.netfilter.nf_conntrack_tcp_timeout_close_wait = 3600
link set lo up
addr add 172.18.0.2/16 dev eth0
addr add fd00:172:18::2/64 dev eth0
link set eth0 up
route replace default via 172.18.0.1
addr add 10.244.0.1/32 dev lo
link add services arp off type bridge
link set services up
route replace 10.96.0.0/12 dev services src 172.18.0.2
route replace fd00:10:96::/112 dev services src fd00:172:18::2
route replace 192.0.2.0/24 dev services src 172.18.0.2
route replace fd00:7f::/112 dev services src fd00:172:18::2
`,
  );
});

test('planPodNetwork() routes everything of a Pod through its node', () => {
  const plan = planPodNetwork({
    podUid: '5f3ec3e0-8d2c-4f1e-9a43-0d7f3c2b1a00',
    podIps: ['fd00:10:244::2', '10.244.0.2'],
    podCidrs: [cidr('fd00:10:244::/64'), cidr('10.244.0.0/24')],
    nodeAddresses: ['fd00:172:18::2', '172.18.0.2'],
    loadBalancerCidrs: [cidr('127.77.0.0/24'), cidr('192.0.2.0/24'), cidr('fd00:7f::/112')],
  });
  assert.equal(
    `wire:\n${text(plan.wire)}pod:\n${text(plan.pod)}node:\n${text(plan.node)}`,
    `\
wire:
link add ${plan.hostLink} type veth peer eth0
pod:
net.ipv4.ip_unprivileged_port_start = 0
link set lo up
link set eth0 up
addr add fd00:10:244::2/128 dev eth0
route replace default via fe80::1 dev eth0
addr add 10.244.0.2/32 dev eth0
route replace 10.244.0.1/32 dev eth0
route replace default via 10.244.0.1 dev eth0
net.ipv4.conf.eth0.route_localnet = 1
route replace 127.77.0.0/24 via 10.244.0.1 dev eth0 src 10.244.0.2 table local
node:
link set ${plan.hostLink} up
addr add fe80::1/64 dev ${plan.hostLink}
route replace fd00:10:244::2/128 dev ${plan.hostLink} src fd00:172:18::2
route replace 10.244.0.2/32 dev ${plan.hostLink} src 172.18.0.2
`,
  );
  assert.match(plan.hostLink, /^veth[0-9a-f]{8}$/);
});

test('planServiceRanges() leads what is new to the output hook, and forgets what is gone', () => {
  const addresses = ['172.18.0.2', 'fd00:172:18::2'];
  const before = [cidr('10.96.0.0/12'), cidr('198.51.100.0/24')];
  assert.equal(
    text(planServiceRanges(before, [cidr('10.96.0.0/12'), cidr('fd00:9::/112')], addresses)),
    `\
route del 198.51.100.0/24
route replace 10.96.0.0/12 dev services src 172.18.0.2
route replace fd00:9::/112 dev services src fd00:172:18::2
`,
  );
});

const routeCases: readonly { name: string; from: [string, string][]; to: [string, string][]; steps: string }[] = [
  { name: 'nothing', from: [], to: [], steps: '\n' },
  {
    name: 'a node comes',
    from: [['10.244.1.0/24', '172.18.0.3']],
    to: [
      ['10.244.1.0/24', '172.18.0.3'],
      ['10.244.2.0/24', '172.18.0.4'],
    ],
    steps: 'route replace 10.244.2.0/24 via 172.18.0.4\n',
  },
  { name: 'a node goes', from: [['10.244.1.0/24', '172.18.0.3']], to: [], steps: 'route del 10.244.1.0/24\n' },
  {
    name: 'a node moves',
    from: [['10.244.1.0/24', '172.18.0.3']],
    to: [['10.244.1.0/24', '172.18.0.9']],
    steps: 'route replace 10.244.1.0/24 via 172.18.0.9\n',
  },
];
for (const { name, from, to, steps } of routeCases) {
  test(`planNodeRoutes(): ${name}`, () => {
    const routes = (pairs: [string, string][]): { podCidr: Cidr; nodeAddress: string }[] =>
      pairs.map(([block, nodeAddress]) => ({ podCidr: cidr(block), nodeAddress }));
    assert.equal(text(planNodeRoutes(routes(from), routes(to))), steps);
  });
}

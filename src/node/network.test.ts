import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { formatNetworkStep, type NetworkStep } from './network-step.ts';
import { planFabric, planNodeNetwork, planNodeRoutes } from './node-network.ts';
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
`;

test('planFabric() is a bridge with the control plane on it', () => {
  assert.equal(
    text(planFabric({ address: '172.18.0.1/16' })),
    `${sysctls}\
link set lo up
link add fabric type bridge
addr add 172.18.0.1/16 dev fabric
link set fabric up
`,
  );
});

test('planNodeNetwork() puts a node on the bridge', () => {
  const plan = planNodeNetwork({
    nodeName: 'node-1',
    address: '172.18.0.2/16',
    podCidr: cidr('10.244.0.0/24'),
    serviceCidr: cidr('10.96.0.0/12'),
  });
  assert.equal(
    `fabric:\n${text(plan.fabric)}node:\n${text(plan.node)}`,
    `\
fabric:
link add node54c43383 type veth peer eth0 master fabric
link set node54c43383 up
node:
${sysctls}\
link set lo up
addr add 172.18.0.2/16 dev eth0
link set eth0 up
addr add 10.244.0.1/32 dev lo
route replace 10.96.0.0/12 dev lo src 172.18.0.2
`,
  );
});

test('planPodNetwork() routes everything of a Pod through its node', () => {
  const plan = planPodNetwork({
    podUid: '5f3ec3e0-8d2c-4f1e-9a43-0d7f3c2b1a00',
    podIp: '10.244.0.2',
    podCidr: cidr('10.244.0.0/24'),
    nodeAddress: '172.18.0.2',
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
addr add 10.244.0.2/32 dev eth0
route replace 10.244.0.1/32 dev eth0
route replace default via 10.244.0.1 dev eth0
node:
link set ${plan.hostLink} up
route replace 10.244.0.2/32 dev ${plan.hostLink} src 172.18.0.2
`,
  );
  assert.match(plan.hostLink, /^veth[0-9a-f]{8}$/);
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

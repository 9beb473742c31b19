import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cidrsOverlap, formatCidr, parseCidr } from '#base/cidr.ts';
import { checkConfig, DEFAULT_CONFIG, type ClusterConfig } from './config.ts';
import { planNetwork } from './network-plan.ts';

/** The plan as one text. */
function planText(config: ClusterConfig): string {
  const { serviceCidrs, podCidrs, fabrics, loadBalancerCidrs, ...plan } = planNetwork(config);
  const { controlAddresses, kubernetesIp, dnsIp, nodes } = plan;
  const ranges = [...serviceCidrs, ...podCidrs, ...fabrics, ...loadBalancerCidrs].map(formatCidr).join(' ');
  return [
    `ranges ${ranges}`,
    `control ${controlAddresses.join(' ')}`,
    `kubernetes ${kubernetesIp}`,
    `dns ${dnsIp}`,
    ...nodes.map(({ name, addresses, podCidrs }) => [name, ...addresses, ...podCidrs].join(' ')),
  ].join('\n');
}

test('the addresses of a cluster of three nodes', () => {
  assert.equal(
    planText({ ...DEFAULT_CONFIG, nodes: 3 }),
    `ranges 10.96.0.0/12 10.244.0.0/16 172.18.0.0/16
control 172.18.0.1
kubernetes 10.96.0.1
dns 10.96.0.10
node-1 172.18.0.2 10.244.0.0/24
node-2 172.18.0.3 10.244.1.0/24
node-3 172.18.0.4 10.244.2.0/24`,
  );
});

test('the addresses in the smallest ranges', () => {
  assert.equal(
    planText({ ...DEFAULT_CONFIG, serviceCidr: '192.168.7.16/28', podCidr: '192.168.8.0/24' }),
    `ranges 192.168.7.16/28 192.168.8.0/24 172.18.0.0/16
control 172.18.0.1
kubernetes 192.168.7.17
dns 192.168.7.26
node-1 172.18.0.2 192.168.8.0/24`,
  );
});

test('the addresses of two families, and of IPv6 alone', () => {
  const serviceCidr = '10.96.0.0/12,fd00:10:96::/112';
  const podCidr = '10.244.0.0/16,fd00:10:244::/56';
  assert.equal(
    planText({ ...DEFAULT_CONFIG, nodes: 2, serviceCidr, podCidr, loadBalancerCidr: '127.77.0.0/24,fd00:127:7::/112' }),
    `ranges 10.96.0.0/12 fd00:10:96::/112 10.244.0.0/16 fd00:10:244::/56 172.18.0.0/16 fd00:172:18::/64 127.77.0.0/24 fd00:127:7::/112
control 172.18.0.1 fd00:172:18::1
kubernetes 10.96.0.1
dns 10.96.0.10
node-1 172.18.0.2 fd00:172:18::2 10.244.0.0/24 fd00:10:244::/64
node-2 172.18.0.3 fd00:172:18::3 10.244.1.0/24 fd00:10:244:1::/64`,
  );
  assert.equal(
    planText({ ...DEFAULT_CONFIG, serviceCidr: 'fd00:10:96::/112', podCidr: 'fd00:5::/64' }),
    `ranges fd00:10:96::/112 fd00:5::/64 fd00:172:18::/64
control fd00:172:18::1
kubernetes fd00:10:96::1
dns fd00:10:96::a
node-1 fd00:172:18::2 fd00:5::/72`,
  );
});

const good: readonly Partial<ClusterConfig>[] = [
  {},
  { name: 'a' },
  { name: '0-a' },
  { name: 'a'.repeat(40) },
  { nodes: 100 },
  { nodes: 100, podCidr: '10.0.0.0/17' },
  { apiPort: 65_535 },
  { serviceCidr: 'fd00::/108,10.0.0.0/28', podCidr: 'fd01::/56,10.1.0.0/16' },
];

for (const asked of good) {
  test(`${JSON.stringify(asked)} can be used`, () => check({ ...DEFAULT_CONFIG, ...asked }));
}

function check(config: ClusterConfig): void {
  checkConfig(config);
  planNetwork(config);
}

const rangeRule = 'it must be a range such as 10.96.0.0/12 or fd00:10:96::/112, or one of each with a comma between';
const nameRule = 'a name has up to 40 lower-case letters, digits and dashes';
const bad: readonly (readonly [Partial<ClusterConfig>, string])[] = [
  [{ name: '' }, `Cannot name a cluster "": ${nameRule}`],
  [{ name: 'Web' }, `Cannot name a cluster "Web": ${nameRule}`],
  [{ name: 'a-' }, `Cannot name a cluster "a-": ${nameRule}`],
  [{ name: '../x' }, `Cannot name a cluster "../x": ${nameRule}`],
  [{ name: 'a'.repeat(41) }, `Cannot name a cluster "${'a'.repeat(41)}": ${nameRule}`],
  [{ nodes: 0 }, 'Cannot start 0 nodes: it must be a number from 1 to 100'],
  [{ nodes: 101 }, 'Cannot start 101 nodes: it must be a number from 1 to 100'],
  [{ nodes: 1.5 }, 'Cannot start 1.5 nodes: it must be a number from 1 to 100'],
  [{ apiPort: 65_536 }, 'Cannot listen on port 65536: it must be a number from 0 to 65535'],
  [{ serviceCidr: '10.96.0.1/12' }, `Cannot use --service-cidr "10.96.0.1/12": ${rangeRule}`],
  [
    { serviceCidr: 'fd00::/112' },
    'Cannot use --service-cidr fd00::/112 with --pod-cidr 10.244.0.0/16: Services and Pods need the same families in the same order',
  ],
  [{ podCidr: 'pods' }, `Cannot use --pod-cidr "pods": ${rangeRule}`],
  [
    { serviceCidr: '10.96.0.0/16,10.97.0.0/16' },
    'Cannot use --service-cidr "10.96.0.0/16,10.97.0.0/16": it may have one range of each family',
  ],
  [
    { loadBalancerCidr: '10.244.7.0/24' },
    'Cannot use --pod-cidr 10.244.0.0/16: it overlaps --load-balancer-cidr 10.244.7.0/24',
  ],
  [{ loadBalancerCidr: 'fd00::/112' }, 'Cannot use --load-balancer-cidr fd00::/112: the cluster has no IPv6'],
  [
    { serviceCidr: 'fd00::/48', podCidr: 'fd01::/56' },
    'Cannot use --service-cidr fd00::/48: it must be a range between /64 and /124',
  ],
  [
    { serviceCidr: '10.244.128.0/20' },
    'Cannot use --service-cidr 10.244.128.0/20: it overlaps --pod-cidr 10.244.0.0/16',
  ],
  [
    { serviceCidr: '172.16.0.0/12' },
    'Cannot use --service-cidr 172.16.0.0/12: it overlaps the network of the nodes 172.18.0.0/16',
  ],
  [
    { podCidr: '172.18.4.0/22' },
    'Cannot use --pod-cidr 172.18.4.0/22: it overlaps the network of the nodes 172.18.0.0/16',
  ],
  [{ serviceCidr: '10.0.0.0/11' }, 'Cannot use --service-cidr 10.0.0.0/11: it must be a range between /12 and /28'],
  [{ serviceCidr: '10.0.0.0/29' }, 'Cannot use --service-cidr 10.0.0.0/29: it must be a range between /12 and /28'],
  [{ podCidr: '10.0.0.0/25' }, 'Cannot use --pod-cidr 10.0.0.0/25: each of the 1 nodes takes a /24 of it'],
  [{ podCidr: '10.0.0.0/23', nodes: 3 }, 'Cannot use --pod-cidr 10.0.0.0/23: each of the 3 nodes takes a /24 of it'],
];

for (const [asked, message] of bad) {
  test(message, () => {
    assert.throws(
      () => check({ ...DEFAULT_CONFIG, ...asked }),
      (error: Error & { code?: string; hint?: string }) => {
        assert.deepEqual([error.code, error.message], ['EUSAGE', message]);
        assert.match(error.hint ?? '', /^(choose|give) /);
        return true;
      },
    );
  });
}

test('whatever is accepted, no two nodes and no two ranges have an address in common', () => {
  const block = fc
    .tuple(fc.nat(255), fc.integer({ min: 8, max: 28 }))
    .map(([second, prefix]) => parseCidr(`10.${second}.0.0/${prefix}`, { masked: true }) ?? assert.fail())
    .map(formatCidr);
  fc.assert(
    fc.property(block, block, fc.integer({ min: 1, max: 100 }), (serviceCidr, podCidr, nodes) => {
      let plan: ReturnType<typeof planNetwork>;
      try {
        plan = planNetwork({ ...DEFAULT_CONFIG, serviceCidr, podCidr, nodes });
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'EUSAGE');
        return;
      }
      const nodeRanges = plan.nodes.flatMap(({ podCidrs }) =>
        podCidrs.map((text) => parseCidr(text) ?? assert.fail(text)),
      );
      const ranges = [...plan.serviceCidrs, ...plan.fabrics, ...nodeRanges];
      for (const [i, a] of ranges.entries()) {
        for (const b of ranges.slice(i + 1)) assert.ok(!cidrsOverlap(a, b), `${formatCidr(a)} ${formatCidr(b)}`);
      }
      const addresses = [...plan.controlAddresses, ...plan.nodes.flatMap((node) => node.addresses)];
      assert.equal(new Set(addresses).size, nodes + 1);
    }),
  );
});

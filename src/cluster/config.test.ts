import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cidrsOverlap, formatCidr, parseCidr } from '#base/cidr.ts';
import { checkConfig, DEFAULT_CONFIG, planNetwork, type ClusterConfig } from './config.ts';

/** The plan as one text. */
function planText(config: ClusterConfig): string {
  const { serviceCidr, podCidr, fabric, controlAddress, kubernetesIp, dnsIp, nodes } = planNetwork(config);
  const ranges = [serviceCidr, podCidr, fabric].map(formatCidr).join(' ');
  return [
    `ranges ${ranges}`,
    `control ${controlAddress}`,
    `kubernetes ${kubernetesIp}`,
    `dns ${dnsIp}`,
    ...nodes.map(({ name, address, podCidr }) => `${name} ${address} ${podCidr}`),
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

const good: readonly Partial<ClusterConfig>[] = [
  {},
  { name: 'a' },
  { name: '0-a' },
  { name: 'a'.repeat(40) },
  { nodes: 100 },
  { nodes: 100, podCidr: '10.0.0.0/17' },
  { apiPort: 65_535 },
];

for (const asked of good) {
  test(`${JSON.stringify(asked)} can be used`, () => checkConfig({ ...DEFAULT_CONFIG, ...asked }));
}

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
  [
    { serviceCidr: '10.96.0.1/12' },
    'Cannot use --service-cidr "10.96.0.1/12": it must be an IPv4 range such as 10.96.0.0/12',
  ],
  [
    { serviceCidr: 'fd00::/112' },
    'Cannot use --service-cidr "fd00::/112": it must be an IPv4 range such as 10.96.0.0/12',
  ],
  [{ podCidr: 'pods' }, 'Cannot use --pod-cidr "pods": it must be an IPv4 range such as 10.96.0.0/12'],
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
      () => checkConfig({ ...DEFAULT_CONFIG, ...asked }),
      (error: Error & { code?: string; hint?: string }) => {
        assert.deepEqual([error.code, error.message], ['ECONFIG', message]);
        assert.match(error.hint ?? '', /^choose /);
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
        assert.equal((error as { code?: string }).code, 'ECONFIG');
        return;
      }
      const nodeRanges = plan.nodes.map((node) => parseCidr(node.podCidr) ?? assert.fail(node.podCidr));
      const ranges = [plan.serviceCidr, plan.fabric, ...nodeRanges];
      for (const [i, a] of ranges.entries()) {
        for (const b of ranges.slice(i + 1)) assert.ok(!cidrsOverlap(a, b), `${formatCidr(a)} ${formatCidr(b)}`);
      }
      const addresses = [plan.controlAddress, ...plan.nodes.map((node) => node.address)];
      assert.equal(new Set(addresses).size, nodes + 1);
    }),
  );
});

import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '#api/generated/types.ts';
import { createLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { settleInOwnNetns } from '#netlink/namespace.ts';
import { CLIENT, Cluster } from './testing/cluster.ts';
import { testModes } from './testing/mode.ts';
import { askTcp, cidr, NODE_ADDRESS } from './testing/network.ts';
import { service, slice } from './testing/objects.ts';

isolateTestFile();
settleInOwnNetns();

const VIP = '10.96.0.50';
const POD = '10.244.0.11';
const port = [{ port: 8080 }];

/** What is wrong in the objects of `bad`, each once. */
const said = [
  'Service default/ports: port 0, node port 99999, protocol "SMTP", second port of the name "b"',
  'Service default/addresses: external IP "1.2.3", load balancer address "lb.example", source range "everybody"',
  'Service default/lost: cluster address "10.96.0"',
  'EndpointSlice default/web-twice: port 70000, second endpoint at 10.244.0.11, address "10.244.0.999", address "fd00::5", endpoint without an address, and 1 more',
  'EndpointSlice default/web-family: address type "IPX"',
  "Service default/null: Cannot read properties of null (reading 'trim')",
  'EndpointSlice default/web-null: addresses is not iterable',
];

function bad(): readonly (Service | EndpointSlice)[] {
  const twice = slice('web', [POD, POD, '10.244.0.999', 'fd00::5'], [...port, { name: 'x', port: 70_000 }], {
    name: 'web-twice',
  });
  const nothing = slice('web', ['10.244.0.98'], port, { name: 'web-null' });
  const addresses = service('addresses', '10.96.0.62', [{ port: 80 }], {
    spec: { type: 'LoadBalancer', externalIPs: ['1.2.3', NODE_ADDRESS], loadBalancerSourceRanges: ['everybody'] },
  });
  return [
    service(
      'ports',
      '10.96.0.61',
      [
        { name: 'a', port: 0, nodePort: 99_999 },
        { name: 'b', port: 80 },
        { name: 'c', port: 25, protocol: 'SMTP' as 'TCP' },
        { name: 'b', port: 81 },
      ],
      { spec: { type: 'NodePort' } },
    ),
    { ...addresses, status: { loadBalancer: { ingress: [{ ip: 'lb.example' }] } } },
    service('lost', '10.96.0', [{ port: 80 }]),
    { ...twice, endpoints: [...(twice.endpoints ?? []), { addresses: [] }, { addresses: [] }] },
    slice('web', ['10.244.0.97'], port, { name: 'web-family', addressType: 'IPX' }),
    service('null', '10.96.0.63', [{ port: 80 }], { spec: { loadBalancerSourceRanges: [null as unknown as string] } }),
    { ...nothing, endpoints: [{ addresses: null as unknown as string[] }] },
  ];
}

testModes('what an API server should not have let through is said once each, and all else works', async (mode) => {
  const logged: string[] = [];
  const log = createLog('proxy', ({ level, message, fields }) => {
    const { kind, name, because } = fields as Record<string, string>;
    logged.push(kind === undefined ? `${level} ${message}` : `${kind} ${name}: ${because}`);
  });
  await using cluster = await Cluster.start(mode, {
    log,
    node: { addresses: [NODE_ADDRESS], zone: undefined },
    podCidrs: [cidr('10.244.0.0/16')],
  });
  await cluster.network.serveTcp(POD, 8080);
  const web = service('web', VIP, [{ port: 80 }]);
  await cluster.set(web, slice('web', [POD], port), ...bad());
  assert.deepEqual(logged.toSorted(), said.toSorted());
  await cluster.set(...bad(), web);
  assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
  await cluster.set(slice('ports', [POD], [{ name: 'b', port: 8080 }]), slice('addresses', [POD], port));
  assert.equal(await askTcp(cluster.client, '10.96.0.61', 80), `${POD} ${CLIENT}`);
  assert.equal(await askTcp(cluster.client, '10.96.0.62', 80), `${POD} ${CLIENT}`);
  assert.equal(await askTcp(cluster.client, NODE_ADDRESS, 80), `${POD} 10.244.0.1`);
  await cluster.delete(...bad());
  assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
  assert.deepEqual(logged.toSorted(), said.toSorted());
});

testModes('a Service with thousands of endpoints is one like others', async (mode) => {
  await using cluster = await Cluster.start(mode);
  await cluster.network.serveTcp(POD, 8080);
  // iptables on nf_tables takes seconds for as many chains.
  const many = Array.from(
    { length: mode === 'iptables' ? 1500 : 5000 },
    (_, i) => `10.200.${i >> 8}.${i & 255} node=b`,
  );
  await cluster.set(service('big', '10.96.0.51', [{ port: 80 }]), service('web', VIP, [{ port: 80 }]));
  await cluster.set(slice('big', many, port), slice('web', [POD], port));
  assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
  await cluster.set(slice('big', [POD], port));
  assert.equal(await askTcp(cluster.client, '10.96.0.51', 80), `${POD} ${CLIENT}`);
});

testModes('of two Services with one address the first has it, and the other one when that lets go', async (mode) => {
  const logged: string[] = [];
  const log = createLog('proxy', ({ level, message, fields }) =>
    logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  );
  await using cluster = await Cluster.start(mode, { log });
  const other = '10.244.0.12';
  for (const pod of [POD, other]) await cluster.network.serveTcp(pod, 8080);
  const one = service('one', VIP, [{ port: 80 }]);
  const two = service('two', VIP, [{ port: 80 }]);
  await cluster.set(one, slice('one', [POD], port), two, slice('two', [other], port));
  for (let i = 0; i < 10; i++) assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
  await cluster.set(two, slice('two', [other], port));
  await cluster.delete(one);
  for (let i = 0; i < 10; i++) assert.equal(await askTcp(cluster.client, VIP, 80), `${other} ${CLIENT}`);
  assert.deepEqual(logged, [
    'warn two services state one address {"frontend":"10.96.0.50/tcp/80","service":"default/two","owner":"default/one"}',
  ]);
});

testModes(
  'an API server that tells things twice, late and in the wrong order ends with the right rules',
  async (mode) => {
    await using cluster = await Cluster.start(mode);
    await cluster.network.serveTcp(POD, 8080);
    const web = service('web', VIP, [{ port: 80 }]);
    const moved = service('web', '10.96.0.52', [{ port: 80 }]);
    await cluster.delete(web, slice('web', [POD], port));
    await cluster.set(slice('web', ['10.244.0.99'], port), slice('web', [POD], port), slice('web', [POD], port));
    await cluster.set(moved, web, web);
    assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
    await cluster.delete(web);
    await cluster.delete(web);
    await cluster.set(web);
    // Another slice under the name of a Service that is not there, and one that changes sides.
    await cluster.set(slice('ghost', ['10.244.0.98'], port), slice('web', ['10.244.0.98'], port, { name: 'ghost-1' }));
    await cluster.set(slice('ghost', ['10.244.0.98'], port));
    for (let i = 0; i < 10; i++) assert.equal(await askTcp(cluster.client, VIP, 80), `${POD} ${CLIENT}`);
  },
);

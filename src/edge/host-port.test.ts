import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Node, Service } from '#api/generated/types.ts';
import { SOURCE_RANGES } from '#api/service/traits.ts';
import { nodeAddresses, nodesWithEndpoints, wayOf } from './eligible-nodes.ts';
import { hostPortKey, hostPortsOf } from './host-port.ts';
import { reachNotices } from './reach-notices.ts';
import { refusalNotice, substitutePort } from './refusal.ts';

function service(spec: object, status: object = {}, metadata: object = {}): Service {
  return { metadata: { namespace: 'd', name: 'web', ...metadata }, spec, status } as unknown as Service;
}

const TCP = { port: 80, nodePort: 30080 };
const balanced = (...ips: readonly object[]): object => ({ loadBalancer: { ingress: ips } });
const LB = { ip: '127.77.0.1', ipMode: 'VIP' };

const cases: readonly (readonly [name: string, service: Service, opens: readonly string[]])[] = [
  ['a ClusterIP', service({ type: 'ClusterIP', ports: [TCP] }), []],
  ['a NodePort', service({ type: 'NodePort', ports: [TCP] }), ['tcp 127.0.0.1:30080 node-port']],
  [
    'a NodePort of two families, TCP and UDP and SCTP',
    service({
      type: 'NodePort',
      ipFamilies: ['IPv6', 'IPv4'],
      ports: [
        { ...TCP, protocol: 'UDP' },
        { ...TCP, protocol: 'SCTP' },
      ],
    }),
    ['udp [::1]:30080 node-port', 'udp 127.0.0.1:30080 node-port'],
  ],
  [
    'a load balancer',
    service({ type: 'LoadBalancer', ports: [TCP] }, balanced(LB)),
    ['tcp 127.0.0.1:30080 node-port', 'tcp 127.77.0.1:80 load-balancer'],
  ],
  [
    'a load balancer without NodePorts, of policy Local',
    service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] }, balanced(LB)),
    ['tcp 127.77.0.1:80 load-balancer local'],
  ],
  [
    'a load balancer of IPv6, at the address of IPv4 that it names, and one that names none',
    service(
      { type: 'LoadBalancer', ipFamilies: ['IPv6'], ports: [{ port: 80 }] },
      balanced({ ip: 'fd00:127::7f60:102' }, { ip: 'fd00:127::a00:1' }, { ip: 'fd00:7f::7f60:102' }),
    ),
    ['tcp 127.96.1.2:80 fd00:127::7f60:102'],
  ],
  ['a load balancer that waits', service({ type: 'LoadBalancer', ports: [{ port: 80 }] }), []],
  [
    'addresses that are not of the loopback, or no VIP',
    service(
      { type: 'LoadBalancer', ports: [{ port: 80 }] },
      balanced({ ip: '192.0.2.1' }, { hostname: 'lb.example' }, { ip: '127.77.0.1', ipMode: 'Proxy' }),
    ),
    [],
  ],
  [
    'one that another proxy does',
    service({ type: 'NodePort', ports: [TCP] }, {}, { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } }),
    [],
  ],
  ['one that is going', service({ type: 'NodePort', ports: [TCP] }, {}, { deletionTimestamp: 'now' }), []],
];

for (const [name, input, opens] of cases) {
  test(`on the host: ${name}`, () => {
    assert.deepEqual(
      hostPortsOf(input).map((port) => {
        const to = port.balancer === port.address ? 'load-balancer' : (port.balancer ?? 'node-port');
        return `${hostPortKey(port)} ${to}${port.isLocal ? ' local' : ''}`;
      }),
      opens,
    );
  });
}

const reach: readonly (readonly [name: string, service: Service, says: string])[] = [
  ['a NodePort', service({ type: 'NodePort', ports: [TCP] }), ''],
  ['a load balancer on the loopback', service({ type: 'LoadBalancer', ports: [TCP] }, balanced(LB)), ''],
  [
    'one of IPv6 that names an address of the loopback',
    service({ type: 'LoadBalancer', ports: [TCP] }, balanced(LB, { ip: 'fd00:127::7f60:102' })),
    'HostAddress: On this machine fd00:127::7f60:102 is at 127.96.1.2, or ::ffff:127.96.1.2 where it has to be written as IPv6',
  ],
  [
    'one of IPv6 that names none, and of SCTP',
    service(
      { type: 'LoadBalancer', ports: [TCP, { port: 90, protocol: 'SCTP', nodePort: 30090 }] },
      balanced(LB, { ip: 'fd00:127::1' }),
    ),
    'InsideOnly: Inside of the cluster only: fd00:127::1 (this machine reaches the Service at [::1]:30080), 90/sctp',
  ],
  [
    'one without NodePorts in a range outside of the loopback',
    service({ type: 'LoadBalancer', ports: [{ port: 80 }] }, balanced({ ip: '192.0.2.1' })),
    'InsideOnly: Inside of the cluster only: 192.0.2.1',
  ],
  ['one that waits', service({ type: 'LoadBalancer', ports: [{ port: 90, protocol: 'SCTP' }] }), ''],
  [
    "another class's",
    service({ type: 'LoadBalancer', loadBalancerClass: 'x/y', ports: [TCP] }, balanced({ ip: '192.0.2.1' })),
    '',
  ],
  ['a ClusterIP of SCTP', service({ type: 'ClusterIP', ports: [{ port: 90, protocol: 'SCTP' }] }), ''],
];

for (const [name, input, says] of reach) {
  test(`what is said of how the host reaches ${name}`, () => {
    assert.equal(
      reachNotices(input)
        .map(({ reason, message }) => `${reason}: ${message}`)
        .join(),
      says,
    );
  });
}

const nodes = ['a', 'b'].map((name, i) =>
  nodeAddresses({
    metadata: { name },
    status: {
      addresses: [
        { type: 'InternalIP', address: `172.18.0.${i + 2}` },
        { type: 'InternalIP', address: `fd00::${i + 2}` },
        { type: 'Hostname', address: name },
      ],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  } as unknown as Node),
);

function slice(...endpoints: readonly [node: string, state: 'ready' | 'draining' | 'ended'][]): EndpointSlice {
  return {
    endpoints: endpoints.map(([nodeName, state]) => ({
      nodeName,
      addresses: ['10.0.0.1'],
      conditions: { ready: state === 'ready', serving: state !== 'ended', terminating: state !== 'ready' },
    })),
  } as unknown as EndpointSlice;
}

const local = (spec: object, metadata?: object): readonly ReturnType<typeof hostPortsOf>[number][] =>
  hostPortsOf(service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ...spec }, balanced(LB), metadata));

const ways: readonly (readonly [name: string, slices: readonly EndpointSlice[], ways: readonly string[]])[] = [
  [
    'all',
    [slice(['a', 'ready'], ['b', 'ready'])],
    ['172.18.0.2:30080 172.18.0.3:30080', '172.18.0.2:30080 172.18.0.3:30080'],
  ],
  ['one', [slice(['a', 'draining'], ['b', 'ready'])], ['172.18.0.3:30080', '172.18.0.3:30080']],
  ['one that drains', [slice(['a', 'ended'], ['b', 'draining'])], ['172.18.0.3:30080', '172.18.0.3:30080']],
  ['none', [slice(['a', 'ended'])], ['', '']],
];
for (const [name, slices, expected] of ways) {
  test(`policy Local, nodes that have endpoints: ${name}`, () => {
    const found = local({ ports: [TCP] }).map((port) => {
      const { targets, via } = wayOf(port, nodes, nodesWithEndpoints(slices));
      const text = targets.map((target) => `${target.address}:${target.port}`).join(' ');
      return via === undefined ? text : `${text} via ${via}`;
    });
    assert.deepEqual(found, expected);
  });
}

const alone: readonly (readonly [name: string, spec: object, metadata?: object])[] = [
  ['affinity', { ports: [TCP], sessionAffinity: 'ClientIP' }],
  ['source ranges', { ports: [TCP], loadBalancerSourceRanges: ['10.0.0.0/8'] }],
  ['source ranges as an annotation', { ports: [TCP] }, { annotations: { [SOURCE_RANGES]: '10.0.0.0/8' } }],
  ['no NodePort', { ports: [{ port: 80 }] }],
];
for (const [name, spec, metadata] of alone) {
  test(`policy Local, a load balancer of one node: ${name}`, () => {
    const port = local(spec, metadata).find(({ balancer }) => balancer !== undefined);
    assert.ok(port);
    assert.deepEqual(wayOf(port, nodes, new Set(['a', 'b'])), {
      targets: [{ address: '127.77.0.1', port: 80 }],
      via: '172.18.0.2',
    });
  });
}

test('policy Cluster goes to every node, by an address of its own family', () => {
  const [, port] = hostPortsOf(service({ type: 'NodePort', ipFamilies: ['IPv4', 'IPv6'], ports: [TCP] }));
  assert.ok(port);
  assert.deepEqual(wayOf(port, nodes, undefined).targets, [
    { address: 'fd00::2', port: 30_080 },
    { address: 'fd00::3', port: 30_080 },
  ]);
});

test('nodes that are not ready or want nothing are passed over, as long as there are others', () => {
  const [port] = hostPortsOf(service({ type: 'NodePort', ports: [TCP] }));
  assert.ok(port);
  const node = (name: string, address: string, ready: string, labels: object = {}): ReturnType<typeof nodeAddresses> =>
    nodeAddresses({
      metadata: { name, labels },
      status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready }] },
    } as unknown as Node);
  const down = node('down', '172.18.0.7', 'Unknown');
  const excluded = node('x', '172.18.0.8', 'True', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
  const up = node('up', '172.18.0.9', 'True');
  const to = (...list: readonly ReturnType<typeof nodeAddresses>[]): string =>
    wayOf(port, list, undefined)
      .targets.map(({ address }) => address)
      .join(' ');
  assert.equal(to(down, excluded, up), '172.18.0.9');
  assert.equal(to(down, excluded), '172.18.0.7 172.18.0.8');
});

test("ports that are root's have a substitute on the load balancer's own address, and all refusals say what to do", () => {
  const ports = local({ ports: [TCP, { port: 8443 }] });
  assert.deepEqual(
    ports.map((port) => [hostPortKey(port), substitutePort(port)]),
    [
      ['tcp 127.0.0.1:30080', undefined],
      ['tcp 127.77.0.1:80', 8080],
      ['tcp 127.77.0.1:8443', undefined],
    ],
  );
  const [nodePort, eighty] = ports;
  assert.ok(nodePort && eighty);
  assert.deepEqual(
    [
      refusalNotice(nodePort, 'EADDRINUSE', undefined),
      refusalNotice(eighty, 'EACCES', 8080),
      refusalNotice(eighty, 'EADDRNOTAVAIL', undefined),
    ].map(({ reason, message }) => `${reason}: ${message}`),
    [
      'HostPortInUse: Another program of this machine has 127.0.0.1:30080/tcp; inside of the cluster nothing is the worse for it, and the port is taken as soon as it is free',
      'HostPortForbidden: Only root may listen on 127.77.0.1:80/tcp of this machine; on this machine 127.77.0.1:8080 leads there, inside of the cluster it is open. To allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=80',
      'HostPortFailed: Cannot listen on 127.77.0.1:80/tcp of this machine: EADDRNOTAVAIL',
    ],
  );
});

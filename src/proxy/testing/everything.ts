import type { EndpointSlice, Service, ServiceSpec } from '#api/generated/types.ts';
import { service, slice, type TestPort } from './objects.ts';

/** The node that the proxy of this test programs. */
export const EVERYTHING_NODE = {
  name: 'a',
  zone: 'z1',
  addresses: ['172.18.0.2', 'fd00:18::2'],
  podCidrs: ['10.244.0.0/16', 'fd00:244::/32'],
} as const;

const tcp: TestPort = { port: 80 };
const backend: readonly TestPort[] = [{ port: 8080 }];
const both = ['10.244.0.5', '10.244.1.5 node=b'];
const ClientIP: Partial<ServiceSpec> = {
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
};
const Local: Partial<ServiceSpec> = { externalTrafficPolicy: 'Local' };

function dual(last: number): Partial<ServiceSpec> {
  return {
    clusterIPs: [`10.96.0.${last}`, `fd00:96::${last}`],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
  };
}

function balanced(object: Service, ...addresses: readonly string[]): Service {
  const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
  return { ...object, status: { loadBalancer: { ingress } } };
}

function on(nodePort: number): readonly TestPort[] {
  return [{ ...tcp, nodePort }];
}

/**
 * Services that use every feature there is, as a real API server takes them: each with its slices, so that another proxy
 * can be given the same.
 */
export function everything(): readonly (Service | EndpointSlice)[] {
  return [...clusterServices(), ...externalServices(), ...balancedServices(), ...rareServices(), ...sliceCases()];
}

function clusterServices(): readonly (Service | EndpointSlice)[] {
  const ports: readonly TestPort[] = [
    { name: 'http', ...tcp },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'assoc', port: 9000, protocol: 'SCTP' },
  ];
  const backends: readonly TestPort[] = [
    { name: 'http', port: 8080 },
    { name: 'dns', port: 5353, protocol: 'UDP' },
    { name: 'assoc', port: 9001, protocol: 'SCTP' },
  ];
  const internal = { internalTrafficPolicy: 'Local' };
  return [
    service('plain', '10.96.0.11', [tcp]),
    slice('plain', [...both, '10.244.1.6 node=b'], backend),
    service('dual', '10.96.0.12', ports, { spec: dual(12) }),
    slice('dual', both, backends),
    slice('dual', ['fd00:244::5', 'fd00:244:1::5 node=b'], backends, { name: 'dual-six', addressType: 'IPv6' }),
    service('sticky', '10.96.0.13', [tcp], { spec: ClientIP }),
    slice('sticky', both, backend),
    service('here', '10.96.0.14', [tcp], { spec: internal }),
    slice('here', both, backend),
    service('elsewhere', '10.96.0.15', [tcp], { spec: internal }),
    slice('elsewhere', both.slice(1), backend),
    service('empty', '10.96.0.16', [tcp]),
  ];
}

function externalServices(): readonly (Service | EndpointSlice)[] {
  const NodePort = { type: 'NodePort' };
  return [
    service('port', '10.96.0.21', on(30_021), { spec: { ...NodePort, ...dual(21) } }),
    slice('port', both, backend),
    slice('port', ['fd00:244::5'], backend, { name: 'port-six', addressType: 'IPv6' }),
    service('port-local', '10.96.0.22', on(30_022), { spec: { ...NodePort, ...Local } }),
    slice('port-local', both, backend),
    service('port-elsewhere', '10.96.0.23', on(30_023), { spec: { ...NodePort, ...Local, ...ClientIP } }),
    slice('port-elsewhere', both.slice(1), backend),
    service('port-empty', '10.96.0.24', on(30_024), { spec: { ...NodePort, externalIPs: ['198.51.100.24'] } }),
    service('port-here', '10.96.0.25', on(30_025), {
      spec: { ...NodePort, ...Local, internalTrafficPolicy: 'Local', ...ClientIP },
    }),
    slice('port-here', both, backend),
    service('address', '10.96.0.26', [tcp], { spec: { externalIPs: ['198.51.100.26', '2001:db8::26'], ...dual(26) } }),
    slice('address', both, backend),
    slice('address', ['fd00:244:1::5 node=b'], backend, { name: 'address-six', addressType: 'IPv6' }),
  ];
}

function balancedServices(): readonly (Service | EndpointSlice)[] {
  const LoadBalancer = { type: 'LoadBalancer' };
  const ranges = { loadBalancerSourceRanges: ['192.0.2.0/24', '172.18.0.0/16', '2001:db8:1::/48'] };
  return [
    balanced(service('open', '10.96.0.31', on(30_031), { spec: LoadBalancer }), '203.0.113.31'),
    slice('open', both, backend),
    balanced(
      service('guarded', '10.96.0.32', on(30_032), { spec: { ...LoadBalancer, ...ranges, ...dual(32) } }),
      '203.0.113.32',
      '2001:db8::32',
    ),
    slice('guarded', both, backend),
    slice('guarded', ['fd00:244::5'], backend, { name: 'guarded-six', addressType: 'IPv6' }),
    balanced(
      service('kept', '10.96.0.33', on(30_033), {
        spec: { ...LoadBalancer, ...ranges, ...Local, ...ClientIP, healthCheckNodePort: 30_133 },
      }),
      '203.0.113.33',
    ),
    slice('kept', both, backend),
    balanced(
      service('kept-elsewhere', '10.96.0.34', on(30_034), {
        spec: { ...LoadBalancer, ...Local, healthCheckNodePort: 30_134 },
      }),
      '203.0.113.34',
    ),
    slice('kept-elsewhere', both.slice(1), backend),
    balanced(service('balanced-empty', '10.96.0.35', on(30_035), { spec: LoadBalancer }), '203.0.113.35'),
    balanced(
      service('everybody', '10.96.0.36', on(30_036), {
        spec: { ...LoadBalancer, loadBalancerSourceRanges: ['0.0.0.0/0'] },
      }),
      '203.0.113.36',
    ),
    slice('everybody', both, backend),
  ];
}

function rareServices(): readonly (Service | EndpointSlice)[] {
  const LoadBalancer = { type: 'LoadBalancer' };
  const NodePort = { type: 'NodePort' };
  const six = { loadBalancerSourceRanges: ['2001:db8:1::/48'] };
  const proxied = service('proxied', '10.96.0.51', on(30_051), { spec: LoadBalancer });
  const ingress = [{ ip: '203.0.113.51', ipMode: 'Proxy' }, { hostname: 'lb.example.com' }];
  const udp = { port: 53, protocol: 'UDP' } as const;
  const sctp = { port: 9000, protocol: 'SCTP' } as const;
  return [
    { ...proxied, status: { loadBalancer: { ingress } } },
    slice('proxied', both, backend),
    balanced(service('many', '10.96.0.52', on(30_052), { spec: LoadBalancer }), '203.0.113.52', '203.0.113.53'),
    slice('many', both, backend),
    // Without NodePorts, and for clients of the other family only.
    balanced(
      service('other-family', '10.96.0.54', [tcp], {
        spec: { ...LoadBalancer, ...six, allocateLoadBalancerNodePorts: false },
      }),
      '203.0.113.54',
    ),
    slice('other-family', both, backend),
    balanced(
      service('spaces', '10.96.0.55', on(30_055), {
        spec: { ...LoadBalancer, loadBalancerSourceRanges: [' 192.0.2.0/24 '], sessionAffinity: 'ClientIP' },
      }),
      '203.0.113.55',
    ),
    slice('spaces', both, backend),
    service('address-local', '10.96.0.56', [tcp], {
      spec: { externalIPs: ['198.51.100.56'], ...NodePort, ports: on(30_056), ...Local, ...ClientIP },
    }),
    slice('address-local', both, backend),
    service('datagrams', '10.96.0.57', [{ ...udp, nodePort: 30_057 }], { spec: { ...NodePort, ...Local } }),
    slice('datagrams', both, [{ port: 5353, protocol: 'UDP' }]),
    service('associations', '10.96.0.58', [{ ...sctp, nodePort: 30_058 }], { spec: NodePort }),
    slice('associations', both, [{ port: 9001, protocol: 'SCTP' }]),
    service('half', '10.96.0.59', on(30_059), { spec: { ...NodePort, ...dual(59) } }),
    slice('half', both, backend),
    service('short', '10.96.0.60', [tcp], {
      spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } },
    }),
    slice('short', both, backend),
  ];
}

function sliceCases(): readonly (Service | EndpointSlice)[] {
  const zoned = slice('zoned', both, backend);
  const endpoints = zoned.endpoints?.map((one, i) => ({ ...one, hints: { forZones: [{ name: `z${i + 1}` }] } }));
  const sameNode = slice('same-node', both, backend);
  const withNodes = sameNode.endpoints?.map((one) => ({
    ...one,
    hints: { forNodes: [{ name: one.nodeName ?? '' }], forZones: [{ name: 'z1' }] },
  }));
  const external = { type: 'NodePort', ...Local };
  return [
    { ...sameNode, ...(withNodes === undefined ? {} : { endpoints: withNodes }) },
    service('same-node', '10.96.0.46', [tcp], { spec: { trafficDistribution: 'PreferSameNode' } }),
    // Under a policy Local, too, endpoints that end serve where no other is.
    service('draining-local', '10.96.0.47', on(30_047), { spec: { ...external, internalTrafficPolicy: 'Local' } }),
    slice('draining-local', ['10.244.0.5 terminating', '10.244.1.5 node=b'], backend),
    service('draining-elsewhere', '10.96.0.48', on(30_048), { spec: external }),
    slice('draining-elsewhere', ['10.244.0.5 notready', '10.244.1.5 terminating node=b'], backend),
    service('unready', '10.96.0.49', on(30_049), { spec: external }),
    slice('unready', ['10.244.0.5 notready', '10.244.1.5 notready node=b'], backend),
    service('draining', '10.96.0.41', [tcp]),
    slice('draining', ['10.244.0.5 terminating', '10.244.1.5 notready node=b'], backend),
    service('mixed', '10.96.0.42', [tcp]),
    slice('mixed', ['10.244.0.5', '10.244.0.6 terminating', '10.244.1.5 notready node=b'], backend),
    service('zoned', '10.96.0.43', [tcp]),
    { ...zoned, ...(endpoints === undefined ? {} : { endpoints }) },
    service('twice', '10.96.0.44', [tcp]),
    slice('twice', both, backend),
    slice('twice', ['10.244.1.5 node=b', '10.244.1.7 node=b'], [{ port: 8081 }], { name: 'twice-2' }),
    service('others', '10.96.0.45', [tcp], { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } }),
    slice('others', both, backend),
  ];
}

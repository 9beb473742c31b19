import {
  address,
  changeAddress,
  changeRange,
  changeSlice,
  endpoints,
  range,
  read,
  service,
  slice,
} from './requests.ts';
import type { RuleCase } from './rule-case.ts';

const owner = { group: '', resource: 'services', namespace: 'default', name: 'x' };
const V4 = { addressType: 'IPv4' };
const V4_SLICE = { ...V4, endpoints: [{ addresses: ['192.0.2.1'] }], ports: [{ port: 80 }] };

const ranges: readonly RuleCase[] = [
  { name: 'ServiceCIDR', ask: range(['192.0.2.0/24']) },
  { name: 'ServiceCIDR of two families', ask: range(['192.0.2.0/24', 'fd99::/112']) },
  { name: 'ServiceCIDR of nothing', ask: range([]) },
  { name: 'ServiceCIDR of three', ask: range(['192.0.2.0/24', 'fd99::/112', '198.51.100.0/24']) },
  { name: 'ServiceCIDR of one family twice', ask: range(['192.0.2.0/24', '198.51.100.0/24']) },
  { name: 'ServiceCIDR that is none', ask: range(['x']) },
  { name: 'ServiceCIDR with host bits', ask: range(['192.0.2.9/24']) },
  { name: 'ServiceCIDR with zeros in front', ask: range(['192.000.2.0/24']) },
  { name: 'ServiceCIDR not in short form', ask: range(['fd99:0::/112']) },
  { name: 'ServiceCIDR an IPv4 block as IPv6', ask: range(['::ffff:192.0.2.0/120']) },
  { name: 'ServiceCIDR overlapping the default', ask: range(['10.96.0.0/24']) },
  { name: 'ServiceCIDR changed', given: [range(['192.0.2.0/24'])], ask: changeRange(['198.51.100.0/24']) },
  { name: 'ServiceCIDR made dual', given: [range(['192.0.2.0/24'])], ask: changeRange(['192.0.2.0/24', 'fd99::/112']) },
  {
    name: 'ServiceCIDR made dual and changed',
    given: [range(['192.0.2.0/24'])],
    ask: changeRange(['198.51.100.0/24', 'fd99::/112']),
  },
  {
    name: 'ServiceCIDR made two of one family',
    given: [range(['192.0.2.0/24'])],
    ask: changeRange(['192.0.2.0/24', '198.51.100.0/24']),
  },
  {
    name: 'ServiceCIDR made single',
    given: [range(['192.0.2.0/24', 'fd99::/112'])],
    ask: changeRange(['192.0.2.0/24']),
  },
];

const addresses: readonly RuleCase[] = [
  { name: 'IPAddress', ask: address('192.0.2.1', owner) },
  { name: 'IPAddress of IPv6', ask: address('fe80::42:1dff:fe84:f9e2', owner) },
  { name: 'IPAddress that is none', ask: address('web', owner) },
  { name: 'IPAddress not in short form', ask: address('fd99:0::1', owner) },
  { name: 'IPAddress with zeros in front', ask: address('192.0.2.01', owner) },
  { name: 'IPAddress of nobody', ask: address('192.0.2.1', undefined) },
  { name: 'IPAddress of no kind', ask: address('192.0.2.1', { name: 'x' }) },
  { name: 'IPAddress of no name', ask: address('192.0.2.1', { resource: 'services' }) },
  { name: 'IPAddress of a group that is none', ask: address('192.0.2.1', { ...owner, group: 'a b' }) },
  {
    name: 'IPAddress of names that are no path',
    ask: address('192.0.2.1', { ...owner, name: 'a/b', namespace: 'c%', resource: '..' }),
  },
  {
    name: 'IPAddress given to another',
    given: [address('192.0.2.1', owner)],
    ask: changeAddress('192.0.2.1', { name: 'y' }),
  },
  {
    name: 'IPAddress that a Service got',
    given: [service({ clusterIP: '10.96.1.9' })],
    ask: read('/apis/networking.k8s.io/v1/ipaddresses/10.96.1.9'),
  },
];

const slices: readonly RuleCase[] = [
  { name: 'EndpointSlice defaults', ask: slice(V4_SLICE) },
  { name: 'EndpointSlice without a type', ask: slice({ endpoints: [] }) },
  { name: 'EndpointSlice of a type unknown', ask: slice({ addressType: 'IP', endpoints: [] }) },
  {
    name: 'EndpointSlice with another type',
    given: [slice(V4_SLICE)],
    ask: changeSlice({ addressType: 'IPv6', endpoints: [] }),
  },
  { name: 'EndpointSlice without addresses', ask: slice({ ...V4, endpoints: [{ addresses: [] }] }) },
  { name: 'EndpointSlice with an IPv6 address', ask: slice({ ...V4, endpoints: [{ addresses: ['fd99::1'] }] }) },
  {
    name: 'EndpointSlice with an IPv4 address',
    ask: slice({ addressType: 'IPv6', endpoints: [{ addresses: ['192.0.2.1'] }] }),
  },
  {
    name: 'EndpointSlice with an IPv6 address not in short form',
    ask: slice({ addressType: 'IPv6', endpoints: [{ addresses: ['fd99:0::1'] }] }),
  },
  { name: 'EndpointSlice with no address', ask: slice({ ...V4, endpoints: [{ addresses: ['x'] }] }) },
  { name: 'EndpointSlice with a loopback address', ask: slice({ ...V4, endpoints: [{ addresses: ['127.0.0.1'] }] }) },
  { name: 'EndpointSlice with a name', ask: slice({ addressType: 'FQDN', endpoints: [{ addresses: ['a.test'] }] }) },
  {
    name: 'EndpointSlice with a name that is none',
    ask: slice({ addressType: 'FQDN', endpoints: [{ addresses: ['A_b'] }] }),
  },
  {
    name: 'EndpointSlice with a host name that is none',
    ask: slice({ ...V4, endpoints: [{ addresses: ['192.0.2.1'], hostname: 'A' }] }),
  },
  {
    name: 'EndpointSlice with a node name that is none',
    ask: slice({ ...V4, endpoints: [{ addresses: ['192.0.2.1'], nodeName: 'A b' }] }),
  },
  {
    name: 'EndpointSlice with one port name twice',
    ask: slice({ ...V4, endpoints: [], ports: [{ port: 80 }, { port: 81 }] }),
  },
  {
    name: 'EndpointSlice with a protocol unknown',
    ask: slice({ ...V4, endpoints: [], ports: [{ port: 80, protocol: 'x' }] }),
  },
  {
    name: 'EndpointSlice with a port name that is none',
    ask: slice({ ...V4, endpoints: [], ports: [{ port: 80, name: 'A' }] }),
  },
  {
    name: 'EndpointSlice with a port out of range',
    ask: slice({ ...V4, endpoints: [], ports: [{ port: 70000 }] }),
    differs: {
      answer:
        '422 Invalid: EndpointSlice.discovery.k8s.io "e" is invalid: ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
      reason: 'no packet can have such a port, and whoever programs it would fail for the whole Service',
    },
  },
  { name: 'EndpointSlice with a port of no number', ask: slice({ ...V4, endpoints: [], ports: [{ name: 'a' }] }) },
  {
    name: 'EndpointSlice with an appProtocol that is none',
    ask: slice({ ...V4, endpoints: [], ports: [{ port: 80, appProtocol: 'a b' }] }),
  },
  {
    name: 'EndpointSlice with hints',
    ask: slice({
      ...V4,
      endpoints: [{ addresses: ['192.0.2.1'], hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'n' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with hints twice',
    ask: slice({
      ...V4,
      endpoints: [{ addresses: ['192.0.2.1'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with hints that are none',
    ask: slice({
      ...V4,
      endpoints: [{ addresses: ['192.0.2.1'], hints: { forZones: [{ name: 'a b' }], forNodes: [{ name: 'A b' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with too many hints',
    ask: slice({
      ...V4,
      endpoints: [
        { addresses: ['192.0.2.1'], hints: { forZones: Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` })) } },
      ],
    }),
  },
  {
    name: 'EndpointSlice with too many addresses',
    ask: slice({ ...V4, endpoints: [{ addresses: Array.from({ length: 101 }, (_, i) => `192.0.2.${i}`) }] }),
  },
  {
    name: 'EndpointSlice with too many endpoints',
    ask: slice({ ...V4, endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['192.0.2.1'] })) }),
  },
];

const ready = { addresses: [{ ip: '192.0.2.1' }] };

const endpointsRules: readonly RuleCase[] = [
  { name: 'Endpoints defaults', ask: endpoints([{ ...ready, ports: [{ port: 80 }] }]) },
  { name: 'Endpoints of nothing', ask: endpoints([{ ports: [{ port: 80 }] }]) },
  { name: 'Endpoints with no address', ask: endpoints([{ addresses: [{ ip: 'x' }] }]) },
  { name: 'Endpoints with an empty address', ask: endpoints([{ addresses: [{}] }]) },
  { name: 'Endpoints with a loopback address', ask: endpoints([{ addresses: [{ ip: '127.0.0.1' }] }]) },
  { name: 'Endpoints with a link-local address', ask: endpoints([{ notReadyAddresses: [{ ip: '169.254.0.1' }] }]) },
  {
    name: 'Endpoints with a host name that is none',
    ask: endpoints([{ addresses: [{ ip: '192.0.2.1', hostname: 'A' }] }]),
  },
  {
    name: 'Endpoints with a node name that is none',
    ask: endpoints([{ addresses: [{ ip: '192.0.2.1', nodeName: 'A b' }] }]),
  },
  { name: 'Endpoints with a port out of range', ask: endpoints([{ ...ready, ports: [{ port: 70000 }] }]) },
  {
    name: 'Endpoints with a port without a name',
    ask: endpoints([{ ...ready, ports: [{ port: 80 }, { port: 81, name: 'b' }] }]),
  },
  { name: 'Endpoints with a port name that is none', ask: endpoints([{ ...ready, ports: [{ port: 80, name: 'A' }] }]) },
  { name: 'Endpoints with a protocol unknown', ask: endpoints([{ ...ready, ports: [{ port: 80, protocol: 'x' }] }]) },
  {
    name: 'Endpoints with an appProtocol that is none',
    ask: endpoints([{ ...ready, ports: [{ port: 80, appProtocol: 'a b' }] }]),
  },
  {
    name: 'Endpoints are put in order',
    ask: endpoints([{ addresses: [{ ip: '192.0.2.2' }, { ip: '192.0.2.1' }], ports: [{ port: 80 }] }]),
  },
];

export const objectRules: readonly RuleCase[] = [...ranges, ...addresses, ...slices, ...endpointsRules];

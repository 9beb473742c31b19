import { change, changeSlice, other, replace, service, slice } from './requests.ts';
import type { RuleCase } from './rule-case.ts';

const balanced = { type: 'LoadBalancer' };
const required = { ipFamilyPolicy: 'RequireDualStack' };
const external = { type: 'ExternalName', externalName: 'x.test' };

const families: readonly RuleCase[] = [
  {
    name: 'dual: ClusterIP to ExternalName and back',
    cluster: 'dual',
    given: [service(required), change({ ...external })],
    ask: change({ type: 'ClusterIP', externalName: null }),
  },
  {
    name: 'dual: NodePort to ClusterIP',
    cluster: 'dual',
    given: [service({ type: 'NodePort', ...required })],
    ask: change({ type: 'ClusterIP' }),
  },
  {
    name: 'dual: downgrade by a PUT',
    cluster: 'dual',
    given: [service(required)],
    ask: replace({ ipFamilyPolicy: 'SingleStack', ports: [{ port: 80 }] }),
  },
  {
    name: 'dual: a PUT without anything of families',
    cluster: 'dual',
    given: [service(required)],
    ask: replace({ ports: [{ port: 80 }] }),
  },
  {
    name: 'dual: upgrade to IPv6 first',
    cluster: 'dual',
    given: [service({ ipFamilies: ['IPv6'] })],
    ask: change({ ipFamilyPolicy: 'RequireDualStack' }),
  },
  {
    name: 'dual: upgrade of a headless Service',
    cluster: 'dual',
    given: [service({ clusterIP: 'None', selector: { a: 'b' } })],
    ask: change({ ipFamilyPolicy: 'PreferDualStack' }),
  },
  {
    name: 'dual: downgrade of a headless Service',
    cluster: 'dual',
    given: [service({ clusterIP: 'None', selector: { a: 'b' }, ...required })],
    ask: change({ ipFamilyPolicy: 'SingleStack' }),
  },
  {
    name: 'dual: a headless Service asks for addresses',
    cluster: 'dual',
    given: [service({ clusterIP: 'None', ...required })],
    ask: change({ clusterIPs: ['fd00:10:96::9', '10.96.1.9'] }),
  },
  {
    name: 'dual: a load balancer made headless, with a second address',
    cluster: 'dual',
    given: [service(balanced)],
    ask: change({ clusterIP: 'None', clusterIPs: null, ipFamilyPolicy: 'PreferDualStack' }),
  },
  {
    name: 'dual: a taken address and one of the other family',
    cluster: 'dual',
    given: [other({ clusterIP: '10.96.1.9' })],
    ask: service({ ...required, clusterIP: '10.96.1.9' }),
  },
  {
    name: 'dual: headless changed to another first family',
    cluster: 'dual',
    given: [service({ clusterIP: 'None', ...required })],
    ask: change({ ipFamilies: ['IPv6', 'IPv4'] }),
  },
  {
    name: 'dual: external addresses of both families',
    cluster: 'dual',
    ask: service({ ...required, externalIPs: ['192.0.2.9', 'fd00::9'] }),
  },
  {
    name: 'dual: the second address emptied',
    cluster: 'dual',
    given: [service(required)],
    ask: change({ clusterIPs: ['10.96.0.0'] }),
  },
  { name: 'ipv6: LoadBalancer', cluster: 'ipv6', ask: service(balanced) },
  { name: 'ipv6: two families required', cluster: 'ipv6', ask: service(required) },
  { name: 'ipv6: headless', cluster: 'ipv6', ask: service({ clusterIP: 'None', selector: { a: 'b' } }) },
  { name: 'ipv6: to ExternalName', cluster: 'ipv6', given: [service()], ask: change(external) },
];

const withSlice = slice({ addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] });
const slices: readonly RuleCase[] = [
  {
    name: 'EndpointSlice with hints for nodes',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], hints: { forNodes: [{ name: 'n1' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with hints for a node twice',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], hints: { forNodes: [{ name: 'n1' }, { name: 'n1' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with hints for nodes that are none',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], hints: { forNodes: [{ name: 'N 1' }] } }],
    }),
  },
  {
    name: 'EndpointSlice with too many hints for nodes',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.0.0.1'], hints: { forNodes: Array.from({ length: 9 }, (_, i) => ({ name: `n${i}` })) } },
      ],
    }),
  },
  {
    name: 'EndpointSlice with a label of a topology',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: { 'topology.kubernetes.io/zone': 'z' } }],
    }),
  },
  {
    name: 'EndpointSlice with other endpoints',
    given: [withSlice],
    ask: changeSlice({
      endpoints: [{ addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } }],
    }),
  },
  {
    name: 'EndpointSlice with other ports',
    given: [withSlice],
    ask: changeSlice({ ports: [{ name: 'x', port: 81, protocol: 'UDP', appProtocol: 'example.com/x' }] }),
  },
  {
    name: 'EndpointSlice of names with addresses',
    ask: slice({ addressType: 'FQDN', endpoints: [{ addresses: ['10.0.0.1'] }] }),
  },
  {
    name: 'EndpointSlice with too many ports',
    ask: slice({
      addressType: 'IPv4',
      endpoints: [],
      ports: Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, port: i + 1 })),
    }),
  },
];

/** Families that come and go; hints and ports of slices. */
export const familyRules: readonly RuleCase[] = [...families, ...slices];

import { change, other, replace, service } from './requests.ts';
import type { RuleCase, RuleCluster } from './rule-case.ts';

const headless = { clusterIP: 'None' };
const prefer = { ipFamilyPolicy: 'PreferDualStack' };
const require = { ipFamilyPolicy: 'RequireDualStack' };
const single = { ipFamilyPolicy: 'SingleStack' };
const ips = (...clusterIPs: readonly string[]): object => ({ clusterIP: clusterIPs[0], clusterIPs });
const families = (...ipFamilies: readonly string[]): object => ({ ipFamilies });
const V4 = '10.96.1.9';
const V6 = 'fd00:10:96::109';

const addresses: readonly RuleCase[] = [
  { name: 'an address of the user', ask: service({ clusterIP: V4 }) },
  { name: 'an address of the user in the lower band', ask: service({ clusterIP: '10.96.0.9' }) },
  { name: 'an address that is taken', given: [other({ clusterIP: V4 })], ask: service({ clusterIP: V4 }) },
  { name: 'an address of another network', ask: service({ clusterIP: '192.0.2.9' }) },
  { name: 'the address of the network', ask: service({ clusterIP: '10.96.0.0' }) },
  { name: 'the broadcast address', ask: service({ clusterIP: '10.96.255.255' }) },
  { name: 'an address that is none', ask: service({ clusterIP: 'x' }) },
  { name: 'an address with zeros in front', ask: service({ clusterIP: '10.096.001.009' }) },
  {
    name: 'an address with zeros in front is the same address',
    given: [other({ clusterIP: V4 })],
    ask: service({ clusterIP: '10.096.001.009' }),
  },
  { name: 'an IPv4 address as IPv6', ask: service({ clusterIP: '::ffff:10.96.1.9' }) },
  { name: 'None and an address', ask: service(ips('None', V4)) },
  { name: 'None in the second place', ask: service(ips(V4, 'None')) },
  { name: 'None twice', ask: service(ips('None', 'None')) },
  { name: 'clusterIPs without clusterIP', ask: service({ clusterIPs: [V4] }) },
  { name: 'clusterIPs of another address', ask: service({ clusterIP: V4, clusterIPs: ['10.96.1.8'] }) },
  { name: 'two addresses of one family', ask: service({ ...prefer, ...ips(V4, '10.96.1.8') }) },
  { name: 'three addresses', ask: service({ ...prefer, ...ips(V4, '10.96.1.8', '10.96.1.7') }) },
  { name: 'an empty second address', ask: service({ ...prefer, ...ips(V4, '') }) },
  { name: 'dry run of a given address', ask: service({ clusterIP: V4 }, { dryRun: true }) },
  {
    name: 'dry run of a taken address',
    given: [other({ clusterIP: V4 })],
    ask: service({ clusterIP: V4 }, { dryRun: true }),
  },
  { name: 'dry run of an address out of range', ask: service({ clusterIP: '192.0.2.9' }, { dryRun: true }) },
  { name: 'dry run of any address', ask: service({}, { dryRun: true }) },
  { name: 'headless', ask: service({ ...headless, selector: { a: 'b' } }) },
  { name: 'headless without a selector', ask: service(headless) },
  { name: 'headless, one family asked for', ask: service({ ...headless, ...single }) },
  { name: 'headless without a selector, both preferred', ask: service({ ...headless, ...prefer }) },
  { name: 'headless without a selector, IPv6 first', ask: service({ ...headless, ...families('IPv6') }) },
  { name: 'headless with both families', ask: service({ ...headless, selector: { a: 'b' }, ...require }) },
  { name: 'headless NodePort', ask: service({ ...headless, type: 'NodePort' }) },
  { name: 'headless LoadBalancer', ask: service({ ...headless, type: 'LoadBalancer' }) },
  { name: 'a family that the cluster has not', ask: service(families('IPv6')) },
  { name: 'an address of a family that the cluster has not', ask: service({ clusterIP: V6 }) },
  { name: 'a family unknown', ask: service(families('IPv5')) },
  { name: 'a family twice', ask: service({ ...prefer, ...families('IPv4', 'IPv4') }) },
  { name: 'a family that the address is not of', ask: service({ clusterIP: V4, ...families('IPv6') }) },
  { name: 'a policy unknown', ask: service({ ipFamilyPolicy: 'Dual' }) },
  { name: 'two families required of a cluster of one', ask: service(require) },
  { name: 'two families preferred on a cluster of one', ask: service(prefer) },
  { name: 'two families named on a cluster of one', ask: service({ ...prefer, ...families('IPv4', 'IPv6') }) },
];

const updates: readonly RuleCase[] = [
  { name: 'the address changed', given: [service({ clusterIP: V4 })], ask: change({ clusterIP: '10.96.1.8' }) },
  { name: 'the addresses changed', given: [service({ clusterIP: V4 })], ask: change(ips('10.96.1.8')) },
  { name: 'the address taken away', given: [service({ clusterIP: V4 })], ask: change({ clusterIP: null }) },
  { name: 'the addresses taken away', given: [service({ clusterIP: V4 })], ask: change({ clusterIPs: null }) },
  { name: 'both taken away', given: [service({ clusterIP: V4 })], ask: change({ clusterIP: null, clusterIPs: null }) },
  { name: 'the address emptied', given: [service({ clusterIP: V4 })], ask: change({ clusterIP: '' }) },
  { name: 'made headless', given: [service({ clusterIP: V4 })], ask: change({ clusterIP: 'None' }) },
  { name: 'made headless by both', given: [service({ clusterIP: V4 })], ask: change(ips('None')) },
  { name: 'headless no more', given: [service(headless)], ask: change(ips(V4)) },
  { name: 'headless stays so', given: [service(headless)], ask: change({ ports: [{ port: 81 }] }) },
  { name: 'headless gets other families', given: [service(headless)], ask: change({ ...single, ...families('IPv6') }) },
  { name: 'headless to one family', given: [service(headless)], ask: change(single) },
  { name: 'the family changed', given: [service()], ask: change(families('IPv6')) },
  { name: 'the family taken away', given: [service()], ask: change({ ipFamilies: null }) },
  { name: 'the policy taken away', given: [service()], ask: change({ ipFamilyPolicy: null }) },
  { name: 'a PUT without an address', given: [service({ clusterIP: V4 })], ask: replace({ ports: [{ port: 80 }] }) },
  {
    name: 'an upgrade on a cluster of one family',
    given: [service()],
    ask: change(require),
  },
  { name: 'a preference on a cluster of one family', given: [service()], ask: change(prefer) },
];

const on = (cluster: RuleCluster, rules: readonly RuleCase[]): readonly RuleCase[] =>
  rules.map((rule) => ({ ...rule, name: `${cluster}: ${rule.name}`, cluster }));

const both = service({ ...require, ...ips(V4, V6) });

const dual: readonly RuleCase[] = [
  { name: 'no policy', ask: service() },
  { name: 'both preferred', ask: service(prefer) },
  { name: 'both required', ask: service(require) },
  { name: 'IPv6 only', ask: service(families('IPv6')) },
  { name: 'IPv6 first', ask: service({ ...prefer, ...families('IPv6', 'IPv4') }) },
  { name: 'IPv6 first, the other left to the server', ask: service({ ...require, ...families('IPv6') }) },
  { name: 'both addresses given', ask: both },
  { name: 'both addresses given, IPv6 first', ask: service({ ...prefer, ...ips(V6, V4) }) },
  { name: 'both addresses given without a policy', ask: service(ips(V4, V6)) },
  { name: 'both families given without a policy', ask: service(families('IPv4', 'IPv6')) },
  { name: 'both given and one wanted', ask: service({ ...single, ...ips(V4, V6), ...families('IPv4', 'IPv6') }) },
  { name: 'an IPv6 address only', ask: service({ clusterIP: V6 }) },
  { name: 'an IPv6 address and both preferred', ask: service({ ...prefer, clusterIP: V6 }) },
  {
    name: 'an address that its family is not',
    ask: service({ ...prefer, ...ips(V4, V6), ...families('IPv6', 'IPv4') }),
  },
  { name: 'the second address taken', given: [other({ clusterIP: V6 })], ask: both },
  { name: 'the second address out of range', ask: service({ ...require, ...ips(V4, 'fd99::1') }) },
  { name: 'an address not in short form', ask: service({ clusterIP: 'fd00:10:96:0::109' }) },
  { name: 'headless without a selector', ask: service(headless) },
  { name: 'headless with a selector', ask: service({ ...headless, selector: { a: 'b' } }) },
  { name: 'headless, both preferred', ask: service({ ...headless, selector: { a: 'b' }, ...prefer }) },
  { name: 'upgrade by policy', given: [service({ clusterIP: V4 })], ask: change(require) },
  { name: 'upgrade by preference', given: [service({ clusterIP: V4 })], ask: change(prefer) },
  {
    name: 'upgrade with the second address',
    given: [service({ clusterIP: V4 })],
    ask: change({ ...prefer, ...ips(V4, V6) }),
  },
  {
    name: 'upgrade with the second address alone',
    given: [service({ clusterIP: V4 })],
    ask: change({ clusterIPs: [V4, V6] }),
  },
  {
    name: 'upgrade with the second family',
    given: [service()],
    ask: change({ ...prefer, ...families('IPv4', 'IPv6') }),
  },
  {
    name: 'upgrade with another first family',
    given: [service()],
    ask: change({ ...prefer, ...families('IPv6', 'IPv4') }),
  },
  {
    name: 'upgrade to a taken address',
    given: [service({ clusterIP: V4 }), other({ clusterIP: V6 })],
    ask: change({ ...prefer, ...ips(V4, V6) }),
  },
  { name: 'dry run of an upgrade', given: [service({ clusterIP: V4 })], ask: change(require, '?dryRun=All') },
  { name: 'downgrade by policy', given: [both], ask: change(single) },
  { name: 'downgrade by policy and addresses', given: [both], ask: change({ ...single, ...ips(V4) }) },
  { name: 'downgrade by policy and families', given: [both], ask: change({ ...single, ...families('IPv4') }) },
  { name: 'downgrade by all three', given: [both], ask: change({ ...single, ...ips(V4), ...families('IPv4') }) },
  { name: 'downgrade without the policy, addresses', given: [both], ask: change({ clusterIPs: [V4] }) },
  { name: 'downgrade without the policy, families', given: [both], ask: change(families('IPv4')) },
  { name: 'downgrade without the policy, both', given: [both], ask: change({ clusterIPs: [V4], ...families('IPv4') }) },
  { name: 'downgrade to the second', given: [both], ask: change({ ...single, ...ips(V6), ...families('IPv6') }) },
  { name: 'the second address changed', given: [both], ask: change({ clusterIPs: [V4, 'fd00:10:96::108'] }) },
  { name: 'families the other way round', given: [both], ask: change(families('IPv6', 'IPv4')) },
  { name: 'required becomes preferred', given: [both], ask: change(prefer) },
  { name: 'to ExternalName', given: [both], ask: change({ type: 'ExternalName', externalName: 'x.test' }) },
  {
    name: 'from ExternalName',
    given: [service({ type: 'ExternalName', externalName: 'x.test' })],
    ask: change({ type: 'ClusterIP', externalName: null, ...prefer }),
  },
];

const ipv6: readonly RuleCase[] = [
  { name: 'no policy', ask: service() },
  { name: 'an address of the user', ask: service({ clusterIP: V6 }) },
  { name: 'an IPv4 address', ask: service({ clusterIP: V4 }) },
  { name: 'the IPv4 family', ask: service(families('IPv4')) },
  { name: 'both preferred', ask: service(prefer) },
  { name: 'headless without a selector', ask: service(headless) },
  { name: 'the address of the network', ask: service({ clusterIP: 'fd00:10:96::' }) },
  { name: 'the last address', ask: service({ clusterIP: 'fd00:10:96::ffff' }) },
  { name: 'NodePort', ask: service({ type: 'NodePort' }) },
];

export const addressRules: readonly RuleCase[] = [...addresses, ...updates, ...on('dual', dual), ...on('ipv6', ipv6)];

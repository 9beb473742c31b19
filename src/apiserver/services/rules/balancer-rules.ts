import { change, other, patch, replace, service, SERVICES, status } from './requests.ts';
import type { RuleCase } from './rule-case.ts';

const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
const balanced = { type: 'LoadBalancer' };
const preferred = { ipFamilyPolicy: 'PreferDualStack' };
const required = { ipFamilyPolicy: 'RequireDualStack' };
const external = { type: 'ExternalName', externalName: 'x.test' };

const balancers: readonly RuleCase[] = [
  {
    name: 'LoadBalancer with policy Local and no node ports',
    ask: service({ ...local, allocateLoadBalancerNodePorts: false }),
  },
  {
    name: 'node ports allocated after all',
    given: [service({ ...balanced, allocateLoadBalancerNodePorts: false })],
    ask: change({ allocateLoadBalancerNodePorts: true }),
  },
  {
    name: 'a load balancer without node ports becomes NodePort',
    given: [service({ ...balanced, allocateLoadBalancerNodePorts: false })],
    ask: change({ type: 'NodePort' }),
  },
  {
    name: 'a class of what is no load balancer, and more that is wrong',
    given: [service(external)],
    ask: change({ loadBalancerClass: 'a/b', ...preferred }),
  },
  {
    name: 'a status is not warned of what the spec says',
    given: [service({ ...balanced, externalName: 'x.test' })],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
  },
  {
    name: 'a status with an address in an old form',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.000.2.1' }] } }),
  },
  {
    name: 'a load balancer becomes ExternalName with an address and no name',
    given: [service(balanced)],
    ask: replace({ type: 'ExternalName', clusterIP: 'x', ports: [{ port: 80 }] }),
  },
  { name: 'loadBalancerIP of IPv6', ask: service({ ...balanced, loadBalancerIP: 'fd00::7' }) },
  { name: 'loadBalancerIP that is none', ask: service({ ...balanced, loadBalancerIP: 'nowhere' }) },
  { name: 'loadBalancerIP of another type', ask: service({ loadBalancerIP: '192.0.2.1' }) },
  {
    name: 'loadBalancerIP stays when the type goes',
    given: [service({ ...balanced, loadBalancerIP: '192.0.2.1' })],
    ask: change({ type: 'ClusterIP' }),
  },
  {
    name: 'source ranges of both families',
    ask: service({ ...balanced, loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/8'] }),
  },
  { name: 'source ranges with blanks', ask: service({ ...balanced, loadBalancerSourceRanges: [' 10.0.0.0/8 '] }) },
  { name: 'a source range empty', ask: service({ ...balanced, loadBalancerSourceRanges: [''] }) },
  {
    name: 'source ranges changed',
    given: [service({ ...balanced, loadBalancerSourceRanges: ['10.0.0.0/8'] })],
    ask: change({ loadBalancerSourceRanges: ['192.0.2.0/24'] }),
  },
  { name: 'a load balancer with external addresses', ask: service({ ...balanced, externalIPs: ['192.0.2.9'] }) },
  { name: 'dual: LoadBalancer', cluster: 'dual', ask: service({ ...balanced, ...required }) },
  { name: 'dual: LoadBalancer with policy Local', cluster: 'dual', ask: service({ ...local, ...preferred }) },
  {
    name: 'dual: status with both families',
    cluster: 'dual',
    given: [service({ ...balanced, ...required })],
    ask: status({
      loadBalancer: {
        ingress: [
          { ip: '192.0.2.1', ipMode: 'VIP' },
          { ip: 'fd00::7', ipMode: 'Proxy' },
        ],
      },
    }),
  },
  {
    name: 'status of a load balancer emptied',
    given: [service(balanced), status({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } })],
    ask: status({ loadBalancer: { ingress: null } }),
  },
  {
    name: 'status with ports',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ports: [{ port: 80, protocol: 'TCP' }] }] } }),
  },
  {
    name: 'status with an error of a port that is no name',
    given: [service(balanced)],
    ask: status({
      loadBalancer: { ingress: [{ ip: '192.0.2.1', ports: [{ port: 80, protocol: 'TCP', error: 'no!' }] }] },
    }),
  },
  {
    name: 'status with a port out of range',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ports: [{ port: 0, protocol: 'X' }] }] } }),
  },
  {
    name: 'a status that changes the spec does not',
    given: [service({ selector: { a: 'b' } })],
    ask: patch('application/merge-patch+json', { spec: { selector: { a: 'c' } } }, `${SERVICES}/s/status`),
  },
  { name: 'a spec with a status', ask: service(balanced) },
];

const ports: readonly RuleCase[] = [
  {
    name: 'a health check port that is a node port of the same Service',
    ask: service({ ...local, healthCheckNodePort: 30410, ports: [{ port: 80, nodePort: 30410 }] }),
  },
  {
    name: 'a node port that is a health check port',
    given: [other({ ...local, healthCheckNodePort: 30411 })],
    ask: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30411 }] }),
  },
  {
    name: 'dry run of a taken health check port',
    given: [other({ ...local, healthCheckNodePort: 30412 })],
    ask: service({ ...local, healthCheckNodePort: 30412 }, { dryRun: true }),
  },
  { name: 'the last node port', ask: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 32767 }] }) },
  { name: 'the first node port', ask: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30000 }] }) },
  { name: 'a node port past the last', ask: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 32768 }] }) },
  { name: 'dual: NodePort', cluster: 'dual', ask: service({ type: 'NodePort', ...required }) },
  {
    name: 'a headless Service with a node port',
    ask: service({ clusterIP: 'None', ports: [{ port: 80, nodePort: 30413 }] }),
  },
  {
    name: 'ports the other way round keep their node ports',
    given: [
      service({
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, nodePort: 30414 },
          { name: 'b', port: 81, nodePort: 30415 },
        ],
      }),
    ],
    ask: replace({
      type: 'NodePort',
      ports: [
        { name: 'b', port: 81 },
        { name: 'a', port: 80 },
      ],
    }),
  },
  {
    name: 'a protocol changed keeps the node port',
    given: [service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30416 }] })],
    ask: change({ ports: [{ port: 80, protocol: 'UDP' }] }),
  },
];

const policies: readonly RuleCase[] = [
  { name: 'traffic distribution PreferSameZone', ask: service({ trafficDistribution: 'PreferSameZone' }) },
  {
    name: 'traffic distribution of a headless Service',
    ask: service({ clusterIP: 'None', trafficDistribution: 'PreferClose' }),
  },
  { name: 'traffic distribution of ExternalName', ask: service({ ...external, trafficDistribution: 'PreferClose' }) },
  {
    name: 'traffic distribution taken away',
    given: [service({ trafficDistribution: 'PreferClose' })],
    ask: change({ trafficDistribution: null }),
  },
  {
    name: 'internal policy of a headless Service',
    ask: service({ clusterIP: 'None', internalTrafficPolicy: 'Local' }),
  },
  { name: 'internal policy changed', given: [service()], ask: change({ internalTrafficPolicy: 'Local' }) },
  {
    name: 'internal policy taken away',
    given: [service({ internalTrafficPolicy: 'Local' })],
    ask: change({ internalTrafficPolicy: null }),
  },
  { name: 'external policy of NodePort Local', ask: service({ type: 'NodePort', externalTrafficPolicy: 'Local' }) },
  {
    name: 'the time of session affinity changed',
    given: [service({ sessionAffinity: 'ClientIP' })],
    ask: change({ sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
  },
  { name: 'session affinity of ExternalName', ask: service({ ...external, sessionAffinity: 'ClientIP' }) },
  {
    name: 'session affinity config without a time',
    ask: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: {} } }),
  },
  { name: 'session affinity config empty', ask: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: {} }) },
  { name: 'an external address twice', ask: service({ externalIPs: ['192.0.2.9', '192.0.2.9'] }) },
  {
    name: 'external addresses taken away',
    given: [service({ externalIPs: ['192.0.2.9'], externalTrafficPolicy: 'Local' })],
    ask: change({ externalIPs: null }),
  },
];

/** What clients outside use: load balancers, node ports, policies. */
export const balancerRules: readonly RuleCase[] = [...balancers, ...ports, ...policies];

import { service, status, change, replace } from './requests.ts';
import type { RuleCase } from './rule-case.ts';

const headless = { clusterIP: 'None' };
const balanced = { type: 'LoadBalancer' };
const external = { type: 'ExternalName', externalName: 'x.test' };
const port = (fields: object): object => ({ ports: [{ port: 80, ...fields }] });

const ports: readonly RuleCase[] = [
  { name: 'defaults of a port', ask: service() },
  { name: 'no ports', ask: service({ ports: [] }) },
  { name: 'no ports, headless', ask: service({ ...headless, ports: [] }) },
  { name: 'no ports, ExternalName', ask: service({ ...external, ports: [] }) },
  { name: 'port 0', ask: service({ ports: [{ port: 0 }] }) },
  { name: 'port missing', ask: service({ ports: [{ name: 'a' }] }) },
  { name: 'port too large', ask: service({ ports: [{ port: 65536 }] }) },
  { name: 'port negative', ask: service({ ports: [{ port: -1 }] }) },
  { name: 'port name needed', ask: service({ ports: [{ port: 80 }, { port: 81, name: 'b' }] }) },
  { name: 'port name of capitals', ask: service(port({ name: 'HTTP' })) },
  { name: 'port name too long', ask: service(port({ name: 'a'.repeat(64) })) },
  { name: 'port name with a dot', ask: service(port({ name: 'a.b' })) },
  {
    name: 'port name twice',
    ask: service({
      ports: [
        { port: 80, name: 'http' },
        { port: 81, name: 'http' },
      ],
    }),
  },
  { name: 'protocol unknown', ask: service(port({ protocol: 'tcp' })) },
  { name: 'protocol SCTP', ask: service(port({ protocol: 'SCTP' })) },
  { name: 'appProtocol', ask: service(port({ appProtocol: 'kubernetes.io/h2c' })) },
  { name: 'appProtocol not a qualified name', ask: service(port({ appProtocol: 'a/b/c' })) },
  { name: 'appProtocol empty', ask: service(port({ appProtocol: '' })) },
  { name: 'targetPort a name', ask: service(port({ targetPort: 'http' })) },
  { name: 'targetPort a long name', ask: service(port({ targetPort: 'a-name-too-long-x' })) },
  { name: 'targetPort of capitals', ask: service(port({ targetPort: 'HTTP' })) },
  { name: 'targetPort of digits only', ask: service(port({ targetPort: '8080' })) },
  { name: 'targetPort with two dashes', ask: service(port({ targetPort: 'a--b' })) },
  { name: 'targetPort too large', ask: service(port({ targetPort: 70000 })) },
  { name: 'targetPort negative', ask: service(port({ targetPort: -1 })) },
  { name: 'targetPort 0 becomes the port', ask: service(port({ targetPort: 0 })) },
  { name: 'targetPort empty becomes the port', ask: service(port({ targetPort: '' })) },
  {
    name: 'port and protocol twice',
    ask: service({
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    }),
  },
  {
    name: 'one port, two protocols',
    ask: service({
      ports: [
        { port: 53, name: 'a' },
        { port: 53, name: 'b', protocol: 'UDP' },
      ],
    }),
  },
  { name: 'several things wrong at once', ask: service({ ports: [{ port: 0, protocol: 'x', name: 'A' }], type: 'x' }) },
];

const names: readonly RuleCase[] = [
  { name: 'name with a digit in front', ask: service({}, { name: '1s' }) },
  { name: 'name of capitals', ask: service({}, { name: 'Web' }) },
  { name: 'name with a dot', ask: service({}, { name: 'a.b' }) },
  { name: 'name too long', ask: service({}, { name: 'a'.repeat(64) }) },
  { name: 'selector with a bad key', ask: service({ selector: { 'a b': 'c' } }) },
  { name: 'selector with a bad value', ask: service({ selector: { a: 'b c' } }) },
  { name: 'type unknown', ask: service({ type: 'Ingress' }) },
  { name: 'type empty', ask: service({ type: '' }) },
];

const fields: readonly RuleCase[] = [
  { name: 'session affinity', ask: service({ sessionAffinity: 'ClientIP' }) },
  { name: 'session affinity unknown', ask: service({ sessionAffinity: 'Cookie' }) },
  {
    name: 'session affinity with its time',
    ask: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }),
  },
  {
    name: 'session affinity for too long',
    ask: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } }),
  },
  {
    name: 'session affinity for no time',
    ask: service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }),
  },
  {
    name: 'affinity config without affinity',
    ask: service({ sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }),
  },
  {
    name: 'affinity switched off',
    given: [service({ sessionAffinity: 'ClientIP' })],
    ask: change({ sessionAffinity: 'None', sessionAffinityConfig: null }),
  },
  {
    name: 'affinity switched off, config left',
    given: [service({ sessionAffinity: 'ClientIP' })],
    ask: change({ sessionAffinity: 'None' }),
  },
  { name: 'internal policy Local', ask: service({ internalTrafficPolicy: 'Local' }) },
  { name: 'internal policy unknown', ask: service({ internalTrafficPolicy: 'Zone' }) },
  { name: 'external policy on ClusterIP', ask: service({ externalTrafficPolicy: 'Local' }) },
  { name: 'external policy with an external address', ask: service({ externalIPs: ['192.0.2.1'] }) },
  { name: 'external policy unknown', ask: service({ type: 'NodePort', externalTrafficPolicy: 'Zone' }) },
  { name: 'traffic distribution PreferClose', ask: service({ trafficDistribution: 'PreferClose' }) },
  { name: 'traffic distribution PreferSameNode', ask: service({ trafficDistribution: 'PreferSameNode' }) },
  { name: 'traffic distribution unknown', ask: service({ trafficDistribution: 'Near' }) },
  { name: 'traffic distribution empty', ask: service({ trafficDistribution: '' }) },
  { name: 'external address not one', ask: service({ externalIPs: ['example.test'] }) },
  { name: 'external address unspecified', ask: service({ externalIPs: ['0.0.0.0'] }) },
  { name: 'external address of the loopback', ask: service({ externalIPs: ['127.0.0.1'] }) },
  { name: 'external address link-local', ask: service({ externalIPs: ['169.254.1.1'] }) },
  { name: 'external address multicast', ask: service({ externalIPs: ['224.0.0.1'] }) },
  { name: 'external address with zeros in front', ask: service({ externalIPs: ['192.000.002.001'] }) },
  { name: 'external address of the loopback, IPv6', ask: service({ externalIPs: ['::1'] }) },
  { name: 'external address not in short form', ask: service({ externalIPs: ['2001:db8:0::1'] }) },
  { name: 'external addresses of a headless Service', ask: service({ ...headless, externalIPs: ['192.0.2.1'] }) },
  { name: 'external addresses of ExternalName', ask: service({ ...external, externalIPs: ['192.0.2.1'] }) },
  { name: 'affinity of a headless Service', ask: service({ ...headless, sessionAffinity: 'ClientIP' }) },
  { name: 'externalName of another type', ask: service({ externalName: 'x.test' }) },
  {
    name: 'topology annotations that disagree',
    ask: service(
      {},
      {
        annotations: {
          'service.kubernetes.io/topology-mode': 'Auto',
          'service.kubernetes.io/topology-aware-hints': 'x',
        },
      },
    ),
  },
  {
    name: 'topology annotation of old',
    ask: service({}, { annotations: { 'service.kubernetes.io/topology-aware-hints': 'Auto' } }),
  },
  { name: 'publishNotReadyAddresses', ask: service({ publishNotReadyAddresses: true }) },
];

const externalNames: readonly RuleCase[] = [
  { name: 'ExternalName', ask: service(external) },
  { name: 'ExternalName with a dot at the end', ask: service({ ...external, externalName: 'x.test.' }) },
  { name: 'ExternalName without a name', ask: service({ type: 'ExternalName' }) },
  { name: 'ExternalName of capitals', ask: service({ ...external, externalName: 'X.test' }) },
  { name: 'ExternalName with an underscore', ask: service({ ...external, externalName: 'a_b.test' }) },
  { name: 'ExternalName an address', ask: service({ ...external, externalName: '192.0.2.1' }) },
  { name: 'ExternalName with a ClusterIP', ask: service({ ...external, clusterIP: '10.96.1.9' }) },
  { name: 'ExternalName with None', ask: service({ ...external, ...headless }) },
  { name: 'ExternalName with families', ask: service({ ...external, ipFamilies: ['IPv4'] }) },
  { name: 'ExternalName with a policy', ask: service({ ...external, ipFamilyPolicy: 'SingleStack' }) },
  { name: 'ExternalName with an internal policy', ask: service({ ...external, internalTrafficPolicy: 'Local' }) },
  { name: 'ExternalName with a node port', ask: service({ ...external, ...port({ nodePort: 30400 }) }) },
];

const loadBalancers: readonly RuleCase[] = [
  { name: 'LoadBalancer', ask: service(balanced) },
  { name: 'source ranges of another type', ask: service({ loadBalancerSourceRanges: ['192.0.2.0/24'] }) },
  { name: 'source ranges', ask: service({ ...balanced, loadBalancerSourceRanges: [' 192.0.2.0/24 '] }) },
  { name: 'source range not one', ask: service({ ...balanced, loadBalancerSourceRanges: ['192.0.2.0'] }) },
  { name: 'source range with host bits', ask: service({ ...balanced, loadBalancerSourceRanges: ['192.0.2.9/24'] }) },
  {
    name: 'source ranges in the annotation',
    ask: service(balanced, {
      annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '192.0.2.0/24,x' },
    }),
  },
  {
    name: 'source ranges in the annotation of another type',
    ask: service({}, { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '192.0.2.0/24' } }),
  },
  { name: 'allocateLoadBalancerNodePorts of another type', ask: service({ allocateLoadBalancerNodePorts: false }) },
  { name: 'loadBalancerClass of another type', ask: service({ loadBalancerClass: 'x' }) },
  { name: 'loadBalancerClass not a qualified name', ask: service({ ...balanced, loadBalancerClass: 'a b' }) },
  { name: 'loadBalancerClass', ask: service({ ...balanced, loadBalancerClass: 'example.test/lb' }) },
  { name: 'loadBalancerClass changed', given: [service(balanced)], ask: change({ loadBalancerClass: 'x' }) },
  {
    name: 'loadBalancerClass taken away',
    given: [service({ ...balanced, loadBalancerClass: 'x' })],
    ask: change({ loadBalancerClass: null }),
  },
  { name: 'loadBalancerIP', ask: service({ ...balanced, loadBalancerIP: '192.0.2.1' }) },
  { name: 'a kubelet port to the outside', ask: service({ ...balanced, ports: [{ port: 10250 }] }) },
  {
    name: 'status of a load balancer',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
  },
  {
    name: 'status of no load balancer',
    given: [service()],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } }),
  },
  {
    name: 'status with an address that is none',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: 'x' }] } }),
  },
  {
    name: 'status with a mode unknown',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'Magic' }] } }),
  },
  {
    name: 'status with a mode and no address',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ hostname: 'x.test', ipMode: 'VIP' }] } }),
  },
  {
    name: 'status with an address as a host name',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ hostname: '192.0.2.1' }] } }),
  },
  {
    name: 'status with a host name that is none',
    given: [service(balanced)],
    ask: status({ loadBalancer: { ingress: [{ hostname: 'a_b' }] } }),
  },
  {
    name: 'status conditions',
    given: [service()],
    ask: status({
      conditions: [
        { type: 'Up', status: 'True', reason: 'Ok', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    }),
  },
  {
    name: 'status goes with the type',
    given: [service(balanced), status({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } })],
    ask: change({ type: 'ClusterIP' }),
  },
  { name: 'a PUT fills in what was allocated', given: [service()], ask: replace({ ports: [{ port: 81 }] }) },
];

export const fieldRules: readonly RuleCase[] = [...ports, ...names, ...fields, ...externalNames, ...loadBalancers];

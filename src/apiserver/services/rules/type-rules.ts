import { change, other, replace, service } from './requests.ts';
import type { RuleCase } from './rule-case.ts';

const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
const external = { type: 'ExternalName', externalName: 'x.test' };
const V4 = '10.96.1.9';

/** One port with this node port. */
const at = (nodePort: number, fields: object = {}): object => ({ ports: [{ port: 80, nodePort, ...fields }] });
const both = (first: object, second: object): object => ({
  ports: [
    { name: 'tcp', port: 53, protocol: 'TCP', ...first },
    { name: 'udp', port: 53, protocol: 'UDP', ...second },
  ],
});
const nodePort = { type: 'NodePort' };

const nodePorts: readonly RuleCase[] = [
  { name: 'NodePort', ask: service(nodePort) },
  { name: 'a node port of the user', ask: service({ ...nodePort, ...at(30400) }) },
  { name: 'a node port of the user in the lower band', ask: service({ ...nodePort, ...at(30001) }) },
  {
    name: 'a node port that is taken',
    given: [other({ ...nodePort, ...at(30400) })],
    ask: service({ ...nodePort, ...at(30400) }),
  },
  { name: 'a node port out of range', ask: service({ ...nodePort, ...at(29999) }) },
  { name: 'a node port negative', ask: service({ ...nodePort, ...at(-1) }) },
  { name: 'a node port of ClusterIP', ask: service(at(30400)) },
  { name: 'a node port for two protocols', ask: service({ ...nodePort, ...both({}, {}) }) },
  {
    name: 'a chosen node port for two protocols',
    ask: service({ ...nodePort, ...both({ nodePort: 30400 }, { nodePort: 30400 }) }),
  },
  {
    name: 'a chosen node port for the second protocol',
    ask: service({ ...nodePort, ...both({}, { nodePort: 30400 }) }),
  },
  { name: 'two chosen node ports', ask: service({ ...nodePort, ...both({ nodePort: 30400 }, { nodePort: 30401 }) }) },
  {
    name: 'one node port for two ports',
    ask: service({
      ...nodePort,
      ports: [
        { name: 'a', port: 80, nodePort: 30400 },
        { name: 'b', port: 81, nodePort: 30400 },
      ],
    }),
  },
  {
    name: 'one node port for two ports of two protocols',
    ask: service({
      ...nodePort,
      ports: [
        { name: 'a', port: 80, nodePort: 30400 },
        { name: 'b', port: 81, nodePort: 30400, protocol: 'UDP' },
      ],
    }),
  },
  {
    name: 'dry run of a taken node port',
    given: [other({ ...nodePort, ...at(30400) })],
    ask: service({ ...nodePort, ...at(30400) }, { dryRun: true }),
  },
  {
    name: 'no node ports for a load balancer',
    ask: service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }),
  },
  {
    name: 'one node port for a load balancer',
    ask: service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ...both({ nodePort: 30400 }, {}) }),
  },
  {
    name: 'node ports no more allocated stay',
    given: [service({ type: 'LoadBalancer', ...at(30400) })],
    ask: change({ allocateLoadBalancerNodePorts: false }),
  },
  {
    name: 'node ports no more allocated, taken off by a PUT',
    given: [service({ type: 'LoadBalancer', ...at(30400) })],
    ask: replace({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] }),
  },
  { name: 'the node port changed', given: [service({ ...nodePort, ...at(30400) })], ask: change(at(30401)) },
  {
    name: 'the node port left out',
    given: [service({ ...nodePort, ...at(30400) })],
    ask: change({ ports: [{ port: 81 }] }),
  },
  {
    name: 'the node port changed to a taken one',
    given: [service({ ...nodePort, ...at(30400) }), other({ ...nodePort, ...at(30401) })],
    ask: change(at(30401)),
  },
  {
    name: 'a port added',
    given: [service({ ...nodePort, ports: [{ name: 'a', port: 80, nodePort: 30400 }] })],
    ask: change({
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    }),
  },
  {
    name: 'a node port handed from one port to another',
    given: [service({ ...nodePort, ports: [{ name: 'a', port: 80, nodePort: 30400 }] })],
    ask: change({
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81, nodePort: 30400 },
      ],
    }),
  },
  {
    name: 'one node port twice in an update',
    given: [service({ ...nodePort, ...at(30400) })],
    ask: change({
      ports: [
        { name: 'a', port: 80, nodePort: 30400 },
        { name: 'b', port: 81, nodePort: 30400 },
      ],
    }),
  },
];

const healthChecks: readonly RuleCase[] = [
  { name: 'a health check port', ask: service(local) },
  { name: 'a health check port of the user', ask: service({ ...local, healthCheckNodePort: 30500 }) },
  {
    name: 'a health check port that is taken',
    given: [other({ ...local, healthCheckNodePort: 30500 })],
    ask: service({ ...local, healthCheckNodePort: 30500 }),
  },
  { name: 'a health check port out of range', ask: service({ ...local, healthCheckNodePort: 29999 }) },
  { name: 'a health check port negative', ask: service({ ...local, healthCheckNodePort: -1 }) },
  { name: 'a health check port of another type', ask: service({ ...nodePort, healthCheckNodePort: 30500 }) },
  {
    name: 'a health check port with the policy Cluster',
    ask: service({ type: 'LoadBalancer', healthCheckNodePort: 30500 }),
  },
  {
    name: 'the health check port changed',
    given: [service({ ...local, healthCheckNodePort: 30500 })],
    ask: change({ healthCheckNodePort: 30501 }),
  },
  {
    name: 'the health check port left out',
    given: [service({ ...local, healthCheckNodePort: 30500 })],
    ask: change({ healthCheckNodePort: null }),
  },
  {
    name: 'the policy becomes Local',
    given: [service({ type: 'LoadBalancer' })],
    ask: change({ externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'the policy becomes Cluster',
    given: [service({ ...local, healthCheckNodePort: 30500 })],
    ask: change({ externalTrafficPolicy: 'Cluster' }),
  },
  {
    name: 'the policy becomes Cluster, another port asked for',
    given: [service({ ...local, healthCheckNodePort: 30500 })],
    ask: change({ externalTrafficPolicy: 'Cluster', healthCheckNodePort: 30501 }),
  },
];

/** What a Service of each type is before. */
const FROM: Readonly<Record<string, object>> = {
  ClusterIP: { clusterIP: V4, externalIPs: ['192.0.2.1'], selector: { a: 'b' } },
  NodePort: { ...nodePort, clusterIP: V4, ...at(30400), externalTrafficPolicy: 'Local', selector: { a: 'b' } },
  LoadBalancer: {
    ...local,
    clusterIP: V4,
    ...at(30400),
    healthCheckNodePort: 30500,
    loadBalancerClass: 'example.test/lb',
    loadBalancerSourceRanges: [],
    selector: { a: 'b' },
  },
  ExternalName: { ...external, selector: { a: 'b' } },
};

/** What says of each type no more than has to be said. */
const TO: Readonly<Record<string, object>> = {
  ClusterIP: { type: 'ClusterIP' },
  NodePort: nodePort,
  LoadBalancer: { type: 'LoadBalancer' },
  ExternalName: external,
};

const transitions: readonly RuleCase[] = Object.entries(FROM).flatMap(([from, before]) =>
  Object.entries(TO)
    .filter(([to]) => to !== from)
    .flatMap(([to, after]): readonly RuleCase[] => [
      { name: `${from} to ${to}`, given: [service(before)], ask: change(after) },
      {
        name: `${from} to ${to} by a PUT`,
        given: [service(before)],
        ask: replace({ ports: [{ port: 80 }], ...after }),
      },
      { name: `dry run of ${from} to ${to}`, given: [service(before)], ask: change(after, '?dryRun=All') },
    ]),
);

const released: readonly RuleCase[] = [
  {
    name: 'to ExternalName frees the address',
    given: [service({ clusterIP: V4 }), change(external)],
    ask: other({ clusterIP: V4 }),
  },
  {
    name: 'to ExternalName with the address changed',
    given: [service({ clusterIP: V4 })],
    ask: change({ ...external, clusterIP: '10.96.1.8' }),
  },
  { name: 'headless to ExternalName', given: [service({ clusterIP: 'None' })], ask: change(external) },
  {
    name: 'ExternalName to headless',
    given: [service(external)],
    ask: change({ type: 'ClusterIP', clusterIP: 'None' }),
  },
  {
    name: 'to ClusterIP frees the node port',
    given: [service({ ...nodePort, ...at(30400) }), change({ type: 'ClusterIP' })],
    ask: other({ ...nodePort, ...at(30400) }),
  },
  {
    name: 'to ClusterIP with the node port changed',
    given: [service({ ...nodePort, ...at(30400) })],
    ask: change({ type: 'ClusterIP', ...at(30401) }),
  },
  {
    name: 'away from Local frees the health check port',
    given: [service({ ...local, healthCheckNodePort: 30500 }), change({ externalTrafficPolicy: 'Cluster' })],
    ask: other({ ...local, healthCheckNodePort: 30500 }),
  },
  {
    name: 'a node port changed frees the one before',
    given: [service({ ...nodePort, ...at(30400) }), change(at(30401))],
    ask: other({ ...nodePort, ...at(30400) }),
  },
  {
    name: 'from LoadBalancer with another class',
    given: [service({ ...local, loadBalancerClass: 'a' })],
    ask: change({ type: 'ClusterIP', loadBalancerClass: 'b' }),
  },
  {
    name: 'from LoadBalancer with another allocation',
    given: [service({ type: 'LoadBalancer' })],
    ask: change({ type: 'ClusterIP', allocateLoadBalancerNodePorts: false }),
  },
  {
    name: 'from NodePort with another policy',
    given: [service(nodePort)],
    ask: change({ type: 'ClusterIP', externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'source ranges stay behind',
    given: [service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] })],
    ask: change({ type: 'ClusterIP' }),
  },
];

export const typeRules: readonly RuleCase[] = [...nodePorts, ...healthChecks, ...transitions, ...released];

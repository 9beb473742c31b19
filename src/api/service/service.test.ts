import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { service as kind } from '../kinds/service.ts';

const NOW = Date.UTC(2026, 0, 2);

/** A Service as a client sends it, with the server's part of the metadata. */
function make(spec: t.ServiceSpec, metadata: Partial<t.Service['metadata']> = {}): t.Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec,
    status: {},
  };
}

function created(spec: t.ServiceSpec): t.Service {
  return kind.prepareCreate(kind.defaults(make(spec)));
}

function specText({ spec }: t.Service): string {
  return JSON.stringify(
    spec,
    Object.keys(spec)
      .sort()
      .concat(['protocol', 'port', 'targetPort', 'nodePort', 'name', 'clientIP', 'timeoutSeconds', 'app']),
  );
}

const HTTP: t.ServicePort = { port: 80 };
const PORTS = '"ports":[{"protocol":"TCP","port":80,"targetPort":80}]';

const defaults: readonly (readonly [string, t.ServiceSpec, string])[] = [
  [
    'of a plain Service',
    { ports: [HTTP] },
    `{"internalTrafficPolicy":"Cluster",${PORTS},"sessionAffinity":"None","type":"ClusterIP"}`,
  ],
  [
    'of client affinity',
    { ports: [HTTP], sessionAffinity: 'ClientIP' },
    `{"internalTrafficPolicy":"Cluster",${PORTS},"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},"type":"ClusterIP"}`,
  ],
  [
    'of a load balancer',
    { ports: [HTTP], type: 'LoadBalancer' },
    `{"allocateLoadBalancerNodePorts":true,"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster",${PORTS},"sessionAffinity":"None","type":"LoadBalancer"}`,
  ],
  [
    'of an external name',
    { type: 'ExternalName', externalName: 'a.example' },
    '{"externalName":"a.example","sessionAffinity":"None","type":"ExternalName"}',
  ],
  [
    'of a chosen address',
    { ports: [HTTP], clusterIP: '10.96.0.10' },
    `{"clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10"],"internalTrafficPolicy":"Cluster",${PORTS},"sessionAffinity":"None","type":"ClusterIP"}`,
  ],
];

for (const [name, spec, text] of defaults) {
  test(`service defaults ${name}`, () => {
    const made = created(spec);
    assert.equal(specText(made), text);
    assert.deepEqual(made.status, { loadBalancer: {} });
    assert.equal(made.metadata.generation, undefined);
  });
}

const invalid: readonly (readonly [string, t.ServiceSpec, readonly string[]])[] = [
  ['no ports', {}, ['spec.ports: Required value']],
  ['a headless Service without ports', { clusterIP: 'None' }, []],
  [
    'two ports without names',
    { ports: [HTTP, { port: 81 }] },
    ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
  ],
  [
    'the same name and port twice',
    {
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'a' },
      ],
    },
    [
      'spec.ports[1].name: Duplicate value: "a"',
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    'port 0',
    { ports: [{ port: 0 }] },
    [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  ],
  [
    'an unknown protocol',
    { ports: [{ port: 80, protocol: 'tcp' }] },
    ['spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'a node port on a ClusterIP Service',
    { ports: [{ port: 80, nodePort: 30080 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'the same node port twice',
    {
      type: 'NodePort',
      ports: [
        { port: 80, name: 'a', nodePort: 30080 },
        { port: 81, name: 'b', nodePort: 30080 },
      ],
    },
    ['spec.ports[1].nodePort: Duplicate value: 30080'],
  ],
  [
    'an unknown type',
    { type: 'Ip', ports: [HTTP] },
    ['spec.type: Unsupported value: "Ip": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
  ],
  [
    'a headless NodePort',
    { type: 'NodePort', clusterIP: 'None', ports: [HTTP] },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  ],
  [
    'an external name with the rest',
    { type: 'ExternalName', clusterIP: '10.96.0.1', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    [
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
      'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
      'spec.externalName: Required value',
    ],
  ],
  ['an external name with a dot at its end', { type: 'ExternalName', externalName: 'a.example.' }, []],
  [
    'addresses that do not agree',
    { ports: [HTTP], clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: first value must match `clusterIP`'],
  ],
  [
    'addresses without the first',
    { ports: [HTTP], clusterIPs: ['10.96.0.2'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: must be empty when `clusterIP` is not specified'],
  ],
  [
    'two addresses of a family',
    { ports: [HTTP], clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', '10.96.0.2'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.1","10.96.0.2"]: may specify no more than one IP for each IP family'],
  ],
  [
    'an address and None',
    { ports: [HTTP], clusterIP: 'None', clusterIPs: ['None', '10.96.0.2'] },
    ['spec.clusterIPs: Invalid value: ["None","10.96.0.2"]: \'None\' must be the first and only value'],
  ],
  [
    'no address at all',
    { ports: [HTTP], clusterIP: 'x' },
    ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [
    'the wrong family',
    { ports: [HTTP], clusterIP: '10.96.0.1', ipFamilies: ['IPv6'] },
    ['spec.clusterIPs[0]: Invalid value: "10.96.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  ],
  [
    'affinity for two days',
    { ports: [HTTP], sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 172800 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 172800: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'what only load balancers have',
    {
      ports: [HTTP],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 30081,
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'a/b',
    },
    [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      "spec.healthCheckNodePort: Invalid value: 30081: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  [
    'external addresses that lead nowhere',
    { ports: [HTTP], externalIPs: ['127.0.0.1', '0.0.0.0', '169.254.1.1', '224.0.0.1', 'x'] },
    [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'spec.externalIPs[2]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'spec.externalIPs[3]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
      'spec.externalIPs[4]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    'an unknown distribution',
    { ports: [HTTP], trafficDistribution: 'Near' },
    [
      'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
];

for (const [name, spec, errors] of invalid) {
  test(`service validation: ${name}`, () => {
    assert.deepEqual(kind.validateCreate(created(spec)).map(fieldErrorText), errors);
  });
}

test('service names are those of RFC 1035', () => {
  const errors = kind.validateCreate({
    ...created({ ports: [HTTP] }),
    metadata: { ...make({}).metadata, name: '1web' },
  });
  assert.deepEqual(
    errors.map(({ field, value }) => [field, value]),
    [['metadata.name', '1web']],
  );
});

const PORT: t.ServicePort = { port: 80, protocol: 'TCP', targetPort: 80 };
const FAMILY = { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
const CLUSTER: t.ServiceSpec = {
  type: 'ClusterIP',
  clusterIP: '10.96.0.9',
  clusterIPs: ['10.96.0.9'],
  ports: [PORT],
  ...FAMILY,
};
const NODE: t.ServiceSpec = {
  ...CLUSTER,
  type: 'NodePort',
  ports: [{ ...PORT, nodePort: 30080 }],
  externalTrafficPolicy: 'Cluster',
};
const BALANCED: t.ServiceSpec = {
  ...NODE,
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 30090,
  allocateLoadBalancerNodePorts: true,
  loadBalancerClass: 'a/b',
};

/** Of an update from `old` to `next`: what is stored (the part that types change), and the errors. */
const updates: readonly (readonly [string, t.ServiceSpec, t.ServiceSpec, string, readonly string[]])[] = [
  [
    'keeps what the client leaves out',
    CLUSTER,
    { ports: [PORT] },
    '{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"ports":[{"port":80}]}',
    [],
  ],
  [
    'keeps node ports by name',
    NODE,
    { type: 'NodePort', ports: [{ port: 8080 }] },
    '{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"externalTrafficPolicy":"Cluster","ports":[{"port":8080,"nodePort":30080}]}',
    [],
  ],
  [
    'drops node ports on the way to ClusterIP',
    NODE,
    { ...NODE, type: 'ClusterIP' },
    '{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"ports":[{"port":80}]}',
    [],
  ],
  [
    'refuses a new node port on the way to ClusterIP',
    NODE,
    { ...NODE, type: 'ClusterIP', ports: [{ ...PORT, nodePort: 30099 }] },
    '{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"ports":[{"port":80,"nodePort":30099}]}',
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'drops all that a load balancer had',
    BALANCED,
    { ...BALANCED, type: 'ClusterIP' },
    '{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"ports":[{"port":80}]}',
    [],
  ],
  [
    'drops the address on the way to ExternalName',
    CLUSTER,
    { ...CLUSTER, type: 'ExternalName', externalName: 'a.example' },
    '{"externalName":"a.example","ports":[{"port":80}]}',
    [],
  ],
  [
    'refuses another address',
    CLUSTER,
    { ...CLUSTER, clusterIP: '10.96.0.10' },
    '{"clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10"],"ports":[{"port":80}]}',
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set'],
  ],
  [
    'refuses to become headless',
    CLUSTER,
    { ...CLUSTER, clusterIP: 'None' },
    '{"clusterIP":"None","clusterIPs":["None"],"ports":[{"port":80}]}',
    ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
  ],
  [
    'refuses another health check port and class',
    BALANCED,
    { ...BALANCED, healthCheckNodePort: 30091, loadBalancerClass: 'a/c' },
    '{"allocateLoadBalancerNodePorts":true,"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"],"externalTrafficPolicy":"Local","healthCheckNodePort":30091,"loadBalancerClass":"a/c","ports":[{"port":80,"nodePort":30080}]}',
    [
      'spec.loadBalancerClass: Invalid value: "a/c": may not change once set',
      'spec.healthCheckNodePort: Forbidden: field is immutable',
    ],
  ],
];

const SHOWN = [
  'allocateLoadBalancerNodePorts',
  'clusterIP',
  'clusterIPs',
  'externalName',
  'externalTrafficPolicy',
  'healthCheckNodePort',
  'loadBalancerClass',
  'ports',
  'port',
  'nodePort',
];

for (const [name, old, spec, text, errors] of updates) {
  test(`service update ${name}`, () => {
    const stored = { ...kind.defaults(make(old)), status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } };
    const families = spec.type === 'ExternalName' ? spec : { ...FAMILY, ...spec };
    const next = kind.prepareUpdate(kind.defaults(make(families)), stored);
    assert.equal(JSON.stringify(next.spec, SHOWN), text);
    assert.deepEqual(next.status, next.spec.type === 'LoadBalancer' ? stored.status : { loadBalancer: {} });
    assert.deepEqual(kind.validateUpdate(next, stored).map(fieldErrorText), errors);
  });
}

const rows: readonly (readonly [t.ServiceSpec, t.ServiceStatus, string])[] = [
  [{ ...CLUSTER, selector: { b: '2', a: '1' } }, {}, 'web | ClusterIP | 10.96.0.9 | <none> | 80/TCP | 24h | a=1,b=2'],
  [{ type: 'ClusterIP', clusterIP: 'None' }, {}, 'web | ClusterIP | None | <none> | <none> | 24h | <none>'],
  [
    { ...NODE, ports: [...(NODE.ports ?? []), { port: 53, protocol: 'UDP' }], externalIPs: ['1.1.1.1', '2.2.2.2'] },
    {},
    'web | NodePort | 10.96.0.9 | 1.1.1.1,2.2.2.2 | 80:30080/TCP,53/UDP | 24h | <none>',
  ],
  [BALANCED, {}, 'web | LoadBalancer | 10.96.0.9 | <pending> | 80:30080/TCP | 24h | <none>'],
  [
    BALANCED,
    { loadBalancer: { ingress: [{ ip: '5.6.7.8' }, { hostname: 'a.example' }, { ip: '1.2.3.4' }] } },
    'web | LoadBalancer | 10.96.0.9 | 1.2.3.4,5.6.7.8,a.example | 80:30080/TCP | 24h | <none>',
  ],
  [
    { type: 'ExternalName', externalName: 'a.example' },
    {},
    'web | ExternalName | <none> | a.example | <none> | 24h | <none>',
  ],
];

for (const [spec, status, text] of rows) {
  test(`service row ${text}`, () => assert.equal(kind.row({ ...make(spec), status }, NOW).join(' | '), text));
}

import type { EndpointSlice, Namespace, Pod, Service } from '#api/generated/types.ts';
import { pod, service, slice } from '../testing/objects.ts';

/** What CoreDNS and we are shown: a cluster with every kind of Service, as an API server lists it. */
export interface ClusterObjects {
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointslices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
}

const http = { name: 'http', protocol: 'TCP', port: 80 };
const dns = { name: 'dns', protocol: 'UDP', port: 53 };
const ready = { ready: true };

function namespace(name: string): Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels: { name } },
    spec: {},
    status: {},
  };
}

function one(name: string, ips: readonly string[], ports: readonly object[] = [http], space = 'ns'): Service {
  return service(name, { type: 'ClusterIP', clusterIP: ips[0], clusterIPs: ips, ports: ports as [] }, space);
}

const headless = (name: string, ports: readonly object[] = [http]): Service => one(name, ['None'], ports);
const alias = (name: string, externalName: string): Service => service(name, { type: 'ExternalName', externalName });

function podRef(name: string): object {
  return { targetRef: { kind: 'Pod', name, namespace: 'ns' } };
}

const services: readonly Service[] = [
  one('kube-dns', ['10.96.0.10'], [dns, { ...dns, name: 'dns-tcp', protocol: 'TCP' }], 'kube-system'),
  one('web', ['10.96.0.7']),
  one('two-ports', ['10.96.0.11'], [http, { name: 'metrics', protocol: 'TCP', port: 9090 }]),
  one('quiet', ['10.96.0.8'], [{ port: 53, protocol: 'UDP' }]),
  one('six', ['fd00:96::6']),
  one('dual', ['10.96.0.9', 'fd00:96::9']),
  one('lonely', ['10.96.0.12']),
  one('other', ['10.96.0.13'], [http], 'hidden'),
  headless('db'),
  headless('pair'),
  headless('portless', []),
  headless('empty'),
  headless('unready'),
  headless('twins', [http, { name: 'admin', protocol: 'TCP', port: 8080 }]),
  alias('out', 'example.org'),
  alias('gone-out', 'none.example.org'),
  alias('chained-out', 'alias.example.org'),
  alias('inside', 'web.ns.svc.cluster.local'),
  alias('chain', 'inside.ns.svc.cluster.local'),
  alias('dangling', 'gone.ns.svc.cluster.local'),
  alias('loop', 'loop.ns.svc.cluster.local'),
  alias('address', '192.0.2.1'),
];

const endpointslices: readonly EndpointSlice[] = [
  slice('web', {
    ports: [{ ...http, port: 8080 }],
    endpoints: [
      { addresses: ['10.244.0.5'], conditions: ready, ...podRef('web-abc12') },
      { addresses: ['10.244.0.15'], conditions: ready, ...podRef(`web-${'x'.repeat(70)}`) },
    ],
  }),
  slice('two-ports', { ports: [http], endpoints: [{ addresses: ['10.244.0.5'], conditions: ready }] }),
  slice('db', {
    ports: [http],
    endpoints: [
      { addresses: ['10.244.0.6'], hostname: 'db-0', conditions: ready },
      { addresses: ['10.244.0.7'], conditions: {}, ...podRef('db-pod') },
      { addresses: ['10.244.0.8'], conditions: { ready: false, serving: true, terminating: true } },
    ],
  }),
  slice(
    'pair',
    { ports: [http], endpoints: [{ addresses: ['10.244.1.1'], hostname: 'p', conditions: ready }] },
    'pair-4',
  ),
  slice(
    'pair',
    {
      addressType: 'IPv6',
      ports: [http],
      endpoints: [
        { addresses: ['fd00:244::1'], hostname: 'p', conditions: ready },
        { addresses: ['fd00:244::2'], conditions: ready },
      ],
    },
    'pair-6',
  ),
  slice('portless', { endpoints: [{ addresses: ['10.244.2.1'], conditions: ready }] }),
  slice('unready', { ports: [http], endpoints: [{ addresses: ['10.244.2.2'], conditions: { ready: false } }] }),
  slice('twins', {
    ports: [http, { name: 'admin', protocol: 'TCP', port: 8080 }],
    endpoints: [
      { addresses: ['10.244.3.1'], hostname: 't-0', conditions: ready },
      { addresses: ['10.244.3.2'], hostname: 't-1', conditions: ready },
    ],
  }),
];

export const CLUSTER: ClusterObjects = Object.freeze({
  namespaces: ['ns', 'kube-system', 'hidden', 'bare'].map(namespace),
  services,
  endpointslices,
  // The one that asks has the address of the loopback.
  pods: [pod('client', '127.0.0.1'), pod('web-abc12', '10.244.0.5'), pod('done', '10.244.9.9', { phase: 'Succeeded' })],
});

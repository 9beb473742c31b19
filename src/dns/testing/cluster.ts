/** One cluster with a Service of every kind, for the tables of questions. */
import { Zone } from '../zone.ts';
import { service, slice } from './objects.ts';

const http = { name: 'http', protocol: 'TCP', port: 80 };
const ready = { ready: true };

export function testZone(): Zone {
  const zone = new Zone('cluster.local');
  for (const namespace of ['ns', 'kube-system']) zone.addNamespace(namespace);
  const dnsPorts = [
    { name: 'dns', protocol: 'UDP', port: 53 },
    { name: 'dns-tcp', protocol: 'TCP', port: 53 },
  ];
  zone.setService(
    service('kube-dns', { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: dnsPorts }, 'kube-system'),
  );
  addClusterIpServices(zone);
  addHeadlessServices(zone);
  addAliases(zone);
  return zone;
}

function addClusterIpServices(zone: Zone): void {
  const one = (name: string, clusterIPs: readonly string[], ports: readonly object[]): void =>
    zone.setService(service(name, { clusterIP: clusterIPs[0], clusterIPs, ports: ports as [] }));
  one('web', ['10.96.0.7'], [http]);
  one('two-ports', ['10.96.0.11'], [http, { name: 'metrics', protocol: 'TCP', port: 9090 }]);
  one('quiet', ['10.96.0.8'], [{ port: 53, protocol: 'UDP' }]);
  one('six', ['fd00:96::6'], [http]);
  one('dual', ['10.96.0.9', 'fd00:96::9'], [http]);
  zone.setSlice(
    slice('web', {
      ports: [{ ...http, port: 8080 }],
      endpoints: [{ addresses: ['10.244.0.5'], conditions: ready }],
    }),
  );
}

function addHeadlessServices(zone: Zone): void {
  const headless = (name: string): void => zone.setService(service(name, { clusterIP: 'None', clusterIPs: ['None'] }));
  headless('db');
  zone.setSlice(
    slice('db', {
      ports: [http],
      endpoints: [
        { addresses: ['10.244.0.6'], hostname: 'db-0', conditions: ready },
        { addresses: ['10.244.0.7'], conditions: {} },
        { addresses: ['10.244.0.8'], conditions: { ready: false, serving: true } },
      ],
    }),
  );
  headless('pair');
  zone.setSlice(slice('pair', { ports: [http], endpoints: [{ addresses: ['10.244.1.1'], hostname: 'p' }] }, 'pair-4'));
  zone.setSlice(
    slice(
      'pair',
      {
        addressType: 'IPv6',
        ports: [http],
        endpoints: [{ addresses: ['fd00:244::1'], hostname: 'p' }, { addresses: ['fd00:244::2'] }],
      },
      'pair-6',
    ),
  );
  headless('portless');
  zone.setSlice(slice('portless', { endpoints: [{ addresses: ['10.244.2.1'] }] }));
  headless('empty');
  headless('many');
  for (let i = 0; i < 5; i++) {
    const endpoints = Array.from({ length: 40 }, (_, n) => ({ addresses: [`10.245.${i}.${n}`] }));
    zone.setSlice(slice('many', { ports: [http], endpoints }, `many-${i}`));
  }
}

function addAliases(zone: Zone): void {
  const alias = (name: string, externalName: string): void =>
    zone.setService(service(name, { type: 'ExternalName', externalName }));
  alias('out', 'Example.org.');
  alias('inside', 'web.ns.svc.cluster.local');
  alias('chain', 'inside.ns.svc.cluster.local');
  alias('chain-out', 'out.ns.svc.cluster.local');
  alias('dangling', 'gone.ns.svc.cluster.local');
  alias('loop', 'loop.ns.svc.cluster.local');
  alias('loop-a', 'loop-b.ns.svc.cluster.local');
  alias('loop-b', 'loop-a.ns.svc.cluster.local');
  alias('address', '192.0.2.1');
}

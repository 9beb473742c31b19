import assert from 'node:assert/strict';
import test from 'node:test';
import { type EndpointSlice, type Service } from '#api/generated/types.ts';
import { type ObjectMeta } from '#api/object.ts';
import { answerQuestion } from './answer.ts';
import { recordText } from './record.ts';
import { Zone } from './zone.ts';

const meta = (name: string, labels: Record<string, string> = {}): ObjectMeta => ({
  name,
  namespace: 'ns',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  labels,
});

const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name),
  spec,
  status: {},
});

const slice = (service: string, rest: Partial<EndpointSlice>, name = service): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta(name, { 'kubernetes.io/service-name': service }),
  addressType: 'IPv4',
  endpoints: [],
  ...rest,
});

const http = { name: 'http', protocol: 'TCP', port: 80 };

function cluster(): Zone {
  const zone = new Zone('cluster.local');
  zone.addNamespace('ns');
  zone.setService(
    service('web', { type: 'ClusterIP', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [http] }),
  );
  zone.setSlice(
    slice('web', {
      ports: [{ ...http, port: 8080 }],
      endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: true } }],
    }),
  );
  zone.setService(service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }));
  zone.setSlice(
    slice('db', {
      ports: [http],
      endpoints: [
        { addresses: ['10.244.0.6'], hostname: 'db-0', conditions: { ready: true } },
        { addresses: ['10.244.0.7'], conditions: { ready: true } },
        { addresses: ['10.244.0.8'], conditions: { ready: false } },
      ],
    }),
  );
  zone.setService(service('empty', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }));
  zone.setService(
    service('quiet', { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'], ports: [{ port: 53, protocol: 'UDP' }] }),
  );
  zone.setService(service('out', { type: 'ExternalName', externalName: 'example.org.' }));
  zone.setService(service('inside', { type: 'ExternalName', externalName: 'web.ns.svc.cluster.local' }));
  zone.setService(service('address', { type: 'ExternalName', externalName: '192.0.2.1' }));
  zone.setService(service('dual', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::9'], ports: [http] }));
  return zone;
}

/** `NAME TYPE` -> the whole answer as text. */
const cases: readonly (readonly [string, string])[] = [
  ['web.ns.svc.cluster.local A', 'NOERROR | web.ns.svc.cluster.local A 10.96.0.7'],
  ['WEB.ns.svc.Cluster.Local A', 'NOERROR | WEB.ns.svc.Cluster.Local A 10.96.0.7'],
  ['web.ns.svc.cluster.local AAAA', 'NOERROR soa'],
  ['web.ns.svc.cluster.local MX', 'NOERROR soa'],
  [
    'web.ns.svc.cluster.local SRV',
    'NOERROR | web.ns.svc.cluster.local SRV 80 web.ns.svc.cluster.local | + web.ns.svc.cluster.local A 10.96.0.7',
  ],
  [
    '_http._tcp.web.ns.svc.cluster.local SRV',
    'NOERROR | _http._tcp.web.ns.svc.cluster.local SRV 80 web.ns.svc.cluster.local | + web.ns.svc.cluster.local A 10.96.0.7',
  ],
  ['_http._udp.web.ns.svc.cluster.local SRV', 'NXDOMAIN soa'],
  ['_tcp.web.ns.svc.cluster.local SRV', 'NXDOMAIN soa'],
  ['7.0.96.10.in-addr.arpa PTR', 'NOERROR | 7.0.96.10.in-addr.arpa PTR web.ns.svc.cluster.local'],
  ['5.0.244.10.in-addr.arpa PTR', 'NOERROR | 5.0.244.10.in-addr.arpa PTR 10-244-0-5.web.ns.svc.cluster.local'],
  ['10-244-0-5.web.ns.svc.cluster.local A', 'NOERROR | 10-244-0-5.web.ns.svc.cluster.local A 10.244.0.5'],
  [
    'db.ns.svc.cluster.local A',
    'NOERROR | db.ns.svc.cluster.local A 10.244.0.6 | db.ns.svc.cluster.local A 10.244.0.7',
  ],
  ['db-0.db.ns.svc.cluster.local A', 'NOERROR | db-0.db.ns.svc.cluster.local A 10.244.0.6'],
  ['10-244-0-7.db.ns.svc.cluster.local A', 'NOERROR | 10-244-0-7.db.ns.svc.cluster.local A 10.244.0.7'],
  ['10-244-0-8.db.ns.svc.cluster.local A', 'NXDOMAIN soa'],
  [
    '_http._tcp.db.ns.svc.cluster.local SRV',
    'NOERROR | _http._tcp.db.ns.svc.cluster.local SRV 80 db-0.db.ns.svc.cluster.local' +
      ' | _http._tcp.db.ns.svc.cluster.local SRV 80 10-244-0-7.db.ns.svc.cluster.local' +
      ' | + db-0.db.ns.svc.cluster.local A 10.244.0.6 | + 10-244-0-7.db.ns.svc.cluster.local A 10.244.0.7',
  ],
  ['6.0.244.10.in-addr.arpa PTR', 'NOERROR | 6.0.244.10.in-addr.arpa PTR db-0.db.ns.svc.cluster.local'],
  ['empty.ns.svc.cluster.local A', 'NXDOMAIN soa'],
  ['quiet.ns.svc.cluster.local A', 'NOERROR | quiet.ns.svc.cluster.local A 10.96.0.8'],
  ['out.ns.svc.cluster.local CNAME', 'NOERROR | out.ns.svc.cluster.local CNAME example.org'],
  ['out.ns.svc.cluster.local A', 'forward example.org | out.ns.svc.cluster.local CNAME example.org'],
  [
    'inside.ns.svc.cluster.local A',
    'NOERROR | inside.ns.svc.cluster.local CNAME web.ns.svc.cluster.local | web.ns.svc.cluster.local A 10.96.0.7',
  ],
  ['address.ns.svc.cluster.local A', 'NXDOMAIN soa'],
  ['dual.ns.svc.cluster.local A', 'NOERROR | dual.ns.svc.cluster.local A 10.96.0.9'],
  ['dual.ns.svc.cluster.local AAAA', 'NOERROR | dual.ns.svc.cluster.local AAAA fd00::9'],
  ['none.ns.svc.cluster.local A', 'NXDOMAIN soa'],
  ['ns.svc.cluster.local A', 'NOERROR soa'],
  ['other.svc.cluster.local A', 'NXDOMAIN soa'],
  ['svc.cluster.local A', 'NOERROR soa'],
  ['pod.cluster.local A', 'NOERROR soa'],
  ['cluster.local A', 'NOERROR soa'],
  ['nothing.cluster.local A', 'NXDOMAIN soa'],
  ['dns-version.cluster.local TXT', 'NOERROR | dns-version.cluster.local TXT "1.1.0"'],
  ['10-244-0-5.ns.pod.cluster.local A', 'NOERROR | 10-244-0-5.ns.pod.cluster.local A 10.244.0.5'],
  ['10-244-0-5.other.pod.cluster.local A', 'NXDOMAIN soa'],
  ['no-address.ns.pod.cluster.local A', 'NXDOMAIN soa'],
  ['1.1.96.10.in-addr.arpa PTR', 'NXDOMAIN soa'],
  ['1.2.0.192.in-addr.arpa PTR', 'forward 1.2.0.192.in-addr.arpa'],
  ['example.org A', 'forward example.org'],
  ['notcluster.local A', 'forward notcluster.local'],
];

function ask(zone: Zone, text: string): string {
  const [name = '', type = ''] = text.split(' ');
  const answer = answerQuestion(zone, { name, type }, (reverse) => reverse.endsWith('.96.10.in-addr.arpa'));
  const records = answer.answers.map(recordText);
  if (answer.kind === 'forward') return [`forward ${answer.name}`, ...records].join(' | ');
  const head = `${answer.rcode}${answer.soa ? ' soa' : ''}`;
  return [head, ...records, ...answer.additionals.map((record) => `+ ${recordText(record)}`)].join(' | ');
}

for (const [question, expected] of cases) {
  test(`${question} -> ${expected.slice(0, 60)}`, () => assert.equal(ask(cluster(), question), expected));
}

test('a name follows its Service and its slices at once', () => {
  const zone = cluster();
  const web = service('web', { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'], ports: [http] });
  zone.setService(web);
  assert.equal(ask(zone, 'web.ns.svc.cluster.local A'), 'NOERROR | web.ns.svc.cluster.local A 10.96.0.77');
  assert.equal(ask(zone, '7.0.96.10.in-addr.arpa PTR'), 'NXDOMAIN soa');
  zone.removeService(web);
  assert.equal(ask(zone, 'web.ns.svc.cluster.local A'), 'NXDOMAIN soa');
  assert.equal(ask(zone, '10-244-0-5.web.ns.svc.cluster.local A'), 'NXDOMAIN soa');
  zone.setSlice(slice('empty', { endpoints: [{ addresses: ['10.244.0.9'] }] }));
  assert.equal(ask(zone, 'empty.ns.svc.cluster.local A'), 'NOERROR | empty.ns.svc.cluster.local A 10.244.0.9');
  zone.removeSlice(slice('empty', {}));
  assert.equal(ask(zone, 'empty.ns.svc.cluster.local A'), 'NXDOMAIN soa');
});

test('an address that two Services select has a name in both', () => {
  const zone = cluster();
  zone.setSlice(slice('quiet', { endpoints: [{ addresses: ['10.244.0.5'] }] }));
  assert.equal(
    ask(zone, '5.0.244.10.in-addr.arpa PTR'),
    'NOERROR | 5.0.244.10.in-addr.arpa PTR 10-244-0-5.web.ns.svc.cluster.local | 5.0.244.10.in-addr.arpa PTR 10-244-0-5.quiet.ns.svc.cluster.local',
  );
  zone.removeSlice(slice('web', {}));
  assert.equal(
    ask(zone, '5.0.244.10.in-addr.arpa PTR'),
    'NOERROR | 5.0.244.10.in-addr.arpa PTR 10-244-0-5.quiet.ns.svc.cluster.local',
  );
});

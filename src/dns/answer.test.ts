import assert from 'node:assert/strict';
import test from 'node:test';
import { objectKey } from '#api/object.ts';
import { PodIndex } from './pod-index.ts';
import { serviceKey } from './service-entry.ts';
import { ask } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { pod, service, slice } from './testing/objects.ts';
import { testResolver as resolver } from './testing/resolver.ts';

const SOA = '! cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 5';
const NODATA = `NOERROR | ${SOA}`;
const NXDOMAIN = `NXDOMAIN | ${SOA}`;
/** Nobody to ask: a name of the outside. */
const OUTSIDE = 'SERVFAIL -aa';
const web = 'web.ns.svc.cluster.local';
const http = { name: 'http', protocol: 'TCP', port: 80 };

/** Below `.svc.cluster.local` where no dot is at the end. `NAME TYPE` -> the whole answer. */
const cases: readonly (readonly [string, string])[] = [
  ['web.ns A', `NOERROR | ${web} A 10.96.0.7`],
  ['WEB.ns.svc.Cluster.Local. A', 'NOERROR | WEB.ns.svc.Cluster.Local A 10.96.0.7'],
  ['web.ns AAAA', NODATA],
  ['web.ns MX', NODATA],
  ['web.ns TXT', NODATA],
  ['web.ns SOA', NODATA],
  ['web.ns NS', NODATA],
  ['web.ns PTR', NODATA],
  ['web.ns CNAME', NODATA],
  ['web.ns ANY', `NOERROR | ${web} HINFO RFC8482`],
  ['web.ns AXFR', 'REFUSED -aa'],
  ['cluster.local. AXFR', 'REFUSED -aa'],
  ['web.ns IXFR', 'REFUSED -aa'],
  ['web.ns SRV', `NOERROR | ${web} SRV 0 100 80 ${web} | + ${web} A 10.96.0.7`],
  ['_http._tcp.web.ns SRV', `NOERROR | _http._tcp.${web} SRV 0 100 80 ${web} | + ${web} A 10.96.0.7`],
  ['_HTTP._TCP.web.ns SRV', `NOERROR | _HTTP._TCP.${web} SRV 0 100 80 ${web} | + ${web} A 10.96.0.7`],
  ['http.tcp.web.ns SRV', `NOERROR | http.tcp.${web} SRV 0 100 80 ${web} | + ${web} A 10.96.0.7`],
  ['_http._tcp.web.ns A', `NOERROR | _http._tcp.${web} A 10.96.0.7`],
  ['_http._udp.web.ns SRV', NXDOMAIN],
  ['_other._tcp.web.ns SRV', NXDOMAIN],
  ['_tcp.web.ns SRV', NXDOMAIN],
  ['a._http._tcp.web.ns SRV', NXDOMAIN],
  [
    'two-ports.ns SRV',
    'NOERROR | two-ports.ns.svc.cluster.local SRV 0 50 80 two-ports.ns.svc.cluster.local' +
      ' | two-ports.ns.svc.cluster.local SRV 0 50 9090 two-ports.ns.svc.cluster.local' +
      ' | + two-ports.ns.svc.cluster.local A 10.96.0.11',
  ],
  ['quiet.ns A', 'NOERROR | quiet.ns.svc.cluster.local A 10.96.0.8'],
  ['six.ns A', NODATA],
  ['six.ns AAAA', 'NOERROR | six.ns.svc.cluster.local AAAA fd00:96::6'],
  ['dual.ns A', 'NOERROR | dual.ns.svc.cluster.local A 10.96.0.9'],
  ['dual.ns AAAA', 'NOERROR | dual.ns.svc.cluster.local AAAA fd00:96::9'],
  [
    'dual.ns SRV',
    'NOERROR | dual.ns.svc.cluster.local SRV 0 50 80 dual.ns.svc.cluster.local' +
      ' | + dual.ns.svc.cluster.local A 10.96.0.9 | + dual.ns.svc.cluster.local AAAA fd00:96::9',
  ],
  ['7.0.96.10.in-addr.arpa. PTR', `NOERROR | 7.0.96.10.in-addr.arpa PTR ${web}`],
  ['7.0.96.10.IN-ADDR.arpa. PTR', `NOERROR | 7.0.96.10.IN-ADDR.arpa PTR ${web}`],
  ['7.0.96.10.in-addr.arpa. A', NODATA],
  ['1.1.96.10.in-addr.arpa. PTR', NXDOMAIN],
  ['1.2.0.192.in-addr.arpa. PTR', OUTSIDE],
  ['256.0.96.10.in-addr.arpa. PTR', OUTSIDE],
  ['0.0.0.d.f.ip6.arpa. PTR', OUTSIDE],
  [
    '6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. PTR',
    'NOERROR | 6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa PTR six.ns.svc.cluster.local',
  ],
  ['5.0.244.10.in-addr.arpa. PTR', `NOERROR | 5.0.244.10.in-addr.arpa PTR 10-244-0-5.${web}`],
  ['10-244-0-5.web.ns A', `NOERROR | 10-244-0-5.${web} A 10.244.0.5`],
  [
    '10-244-0-5.web.ns SRV',
    `NOERROR | 10-244-0-5.${web} SRV 0 100 8080 10-244-0-5.${web} | + 10-244-0-5.${web} A 10.244.0.5`,
  ],
  ['10-244-0-6.web.ns A', NXDOMAIN],
  ['db.ns A', 'NOERROR | db.ns.svc.cluster.local A 10.244.0.6 | db.ns.svc.cluster.local A 10.244.0.7'],
  ['db.ns AAAA', NODATA],
  ['db-0.db.ns A', 'NOERROR | db-0.db.ns.svc.cluster.local A 10.244.0.6'],
  ['DB-0.db.ns A', 'NOERROR | DB-0.db.ns.svc.cluster.local A 10.244.0.6'],
  ['10-244-0-6.db.ns A', NXDOMAIN],
  ['10-244-0-7.db.ns A', 'NOERROR | 10-244-0-7.db.ns.svc.cluster.local A 10.244.0.7'],
  ['10-244-0-8.db.ns A', NXDOMAIN],
  [
    '_http._tcp.db.ns SRV',
    'NOERROR | _http._tcp.db.ns.svc.cluster.local SRV 0 50 80 db-0.db.ns.svc.cluster.local' +
      ' | _http._tcp.db.ns.svc.cluster.local SRV 0 50 80 10-244-0-7.db.ns.svc.cluster.local' +
      ' | + db-0.db.ns.svc.cluster.local A 10.244.0.6 | + 10-244-0-7.db.ns.svc.cluster.local A 10.244.0.7',
  ],
  ['_http._tcp.db-0.db.ns SRV', NXDOMAIN],
  ['6.0.244.10.in-addr.arpa. PTR', 'NOERROR | 6.0.244.10.in-addr.arpa PTR db-0.db.ns.svc.cluster.local'],
  ['8.0.244.10.in-addr.arpa. PTR', OUTSIDE],
  ['pair.ns A', 'NOERROR | pair.ns.svc.cluster.local A 10.244.1.1'],
  ['pair.ns AAAA', 'NOERROR | pair.ns.svc.cluster.local AAAA fd00:244::1 | pair.ns.svc.cluster.local AAAA fd00:244::2'],
  ['p.pair.ns A', 'NOERROR | p.pair.ns.svc.cluster.local A 10.244.1.1'],
  ['p.pair.ns AAAA', 'NOERROR | p.pair.ns.svc.cluster.local AAAA fd00:244::1'],
  ['fd00-244--2.pair.ns AAAA', 'NOERROR | fd00-244--2.pair.ns.svc.cluster.local AAAA fd00:244::2'],
  ['fd00-244--2.pair.ns A', NODATA],
  [
    'pair.ns SRV',
    'NOERROR | pair.ns.svc.cluster.local SRV 0 33 80 p.pair.ns.svc.cluster.local' +
      ' | pair.ns.svc.cluster.local SRV 0 33 80 fd00-244--2.pair.ns.svc.cluster.local' +
      ' | + p.pair.ns.svc.cluster.local A 10.244.1.1 | + p.pair.ns.svc.cluster.local AAAA fd00:244::1' +
      ' | + fd00-244--2.pair.ns.svc.cluster.local AAAA fd00:244::2',
  ],
  ['portless.ns A', 'NOERROR | portless.ns.svc.cluster.local A 10.244.2.1'],
  ['portless.ns SRV', NODATA],
  ['10-244-2-1.portless.ns A', 'NOERROR | 10-244-2-1.portless.ns.svc.cluster.local A 10.244.2.1'],
  ['empty.ns A', NXDOMAIN],
  ['out.ns CNAME', 'NOERROR | out.ns.svc.cluster.local CNAME example.org'],
  ['out.ns SRV', NODATA],
  ['out.ns MX', NODATA],
  ['out.ns A', OUTSIDE],
  ['endpoint.out.ns CNAME', NXDOMAIN],
  ['_http._tcp.out.ns SRV', NXDOMAIN],
  ['inside.ns A', `NOERROR | inside.ns.svc.cluster.local CNAME ${web} | ${web} A 10.96.0.7`],
  ['inside.ns AAAA', NODATA],
  [
    'chain.ns A',
    `NOERROR | chain.ns.svc.cluster.local CNAME inside.ns.svc.cluster.local | inside.ns.svc.cluster.local CNAME ${web} | ${web} A 10.96.0.7`,
  ],
  ['dangling.ns A', NODATA],
  ['loop.ns A', NODATA],
  ['loop-a.ns A', NODATA],
  ['address.ns A', NXDOMAIN],
  ['none.ns A', NXDOMAIN],
  ['web.other A', NXDOMAIN],
  ['ns.svc.cluster.local. A', NODATA],
  ['ns.svc.cluster.local. NS', NODATA],
  ['other.svc.cluster.local. A', NXDOMAIN],
  ['svc.cluster.local. A', NODATA],
  ['pod.cluster.local. A', NODATA],
  ['cluster.local. A', NODATA],
  ['cluster.local. SOA', 'NOERROR | cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 5'],
  [
    'cluster.local. NS',
    'NOERROR | cluster.local NS kube-dns.kube-system.svc.cluster.local' +
      ' | + kube-dns.kube-system.svc.cluster.local A 10.96.0.10',
  ],
  ['ns.dns.cluster.local. A', 'NOERROR | ns.dns.cluster.local A 10.96.0.10'],
  ['ns.dns.cluster.local. AAAA', NODATA],
  ['nothing.cluster.local. A', NXDOMAIN],
  ['nothing.cluster.local. NS', NXDOMAIN],
  ['dns-version.cluster.local. TXT', 'NOERROR | dns-version.cluster.local TXT 1.1.0'],
  ['dns-version.cluster.local. A', NODATA],
  ['ns.pod.cluster.local. A', NODATA],
  ['10-244-0-5.ns.pod.cluster.local. A', 'NOERROR | 10-244-0-5.ns.pod.cluster.local A 10.244.0.5'],
  ['10-244-0-5.ns.pod.cluster.local. AAAA', NODATA],
  ['fd00--5.ns.pod.cluster.local. AAAA', 'NOERROR | fd00--5.ns.pod.cluster.local AAAA fd00::5'],
  ['--1.ns.pod.cluster.local. AAAA', 'NOERROR | --1.ns.pod.cluster.local AAAA ::1'],
  ['10-244-0-5.other.pod.cluster.local. A', NXDOMAIN],
  ['no-address.ns.pod.cluster.local. A', NXDOMAIN],
  ['a.10-244-0-5.ns.pod.cluster.local. A', NXDOMAIN],
  ['example.org. A', OUTSIDE],
  ['notcluster.local. A', OUTSIDE],
  ['local. A', OUTSIDE],
  ['. NS', OUTSIDE],
];

for (const [question, expected] of cases) {
  const [name = '', type = ''] = question.split(' ');
  const whole = name.endsWith('.') ? name.slice(0, -1) || '.' : `${name}.svc.cluster.local`;
  test(`${question} -> ${expected.slice(0, 60)}`, async () => {
    const resolve = resolver(testZone());
    assert.equal(await ask(resolve, `${whole} ${type}`), expected);
    // The second time it may come from what was compiled; the order of addresses is another then.
    const again = await ask(resolve, `${whole} ${type}`);
    assert.deepEqual(again.split(' | ').toSorted(), expected.split(' | ').toSorted());
  });
}

test('addresses take turns to be the first', async () => {
  const resolve = resolver(testZone());
  const first = [];
  for (let i = 0; i < 4; i++) first.push((await ask(resolve, 'pair.ns.svc.cluster.local AAAA')).split(' | ')[1]);
  const [one, two] = ['1', '2'].map((end) => `pair.ns.svc.cluster.local AAAA fd00:244::${end}`);
  assert.deepEqual(first, [one, two, one, two]);
});

test('a name follows its Service and its slices at once', async () => {
  const zone = testZone();
  const resolve = resolver(zone);
  const asks = async (question: string): Promise<string> => ask(resolve, question);
  assert.equal(await asks(`${web} A`), `NOERROR | ${web} A 10.96.0.7`);
  const changed = service('web', { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'], ports: [http] });
  zone.setService(changed);
  assert.equal(await asks(`${web} A`), `NOERROR | ${web} A 10.96.0.77`);
  assert.equal(await asks('7.0.96.10.in-addr.arpa PTR'), NXDOMAIN);
  zone.removeService(serviceKey('ns', changed.metadata.name));
  assert.equal(await asks(`${web} A`), NXDOMAIN);
  assert.equal(await asks(`10-244-0-5.${web} A`), NXDOMAIN);
  assert.equal(await asks('empty.ns.svc.cluster.local A'), NXDOMAIN);
  zone.setSlice(slice('empty', { endpoints: [{ addresses: ['10.244.0.9'] }] }));
  assert.equal(await asks('empty.ns.svc.cluster.local A'), 'NOERROR | empty.ns.svc.cluster.local A 10.244.0.9');
  zone.setSlice(slice('empty', { endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: false } }] }));
  assert.equal(await asks('empty.ns.svc.cluster.local A'), NXDOMAIN);
  zone.removeSlice(objectKey(slice('empty', {})));
  assert.equal(await asks('empty.ns.svc.cluster.local A'), NXDOMAIN);
});

test('an address that two Services select has a name in both', async () => {
  const zone = testZone();
  const resolve = resolver(zone);
  zone.setSlice(slice('quiet', { endpoints: [{ addresses: ['10.244.0.5'] }] }));
  const reverse = '5.0.244.10.in-addr.arpa PTR';
  assert.equal(
    await ask(resolve, reverse),
    `NOERROR | ${reverse} 10-244-0-5.${web} | ${reverse} 10-244-0-5.quiet.ns.svc.cluster.local`,
  );
  zone.removeSlice(objectKey(slice('web', {})));
  assert.equal(await ask(resolve, reverse), `NOERROR | ${reverse} 10-244-0-5.quiet.ns.svc.cluster.local`);
});

test('an endpoint that moves from slice to slice is said once', async () => {
  const zone = testZone();
  const resolve = resolver(zone);
  zone.setSlice(slice('portless', { endpoints: [{ addresses: ['10.244.2.1'] }] }, 'portless-2'));
  const expected = 'NOERROR | portless.ns.svc.cluster.local A 10.244.2.1';
  assert.equal(await ask(resolve, 'portless.ns.svc.cluster.local A'), expected);
  zone.removeSlice(objectKey(slice('portless', {}, 'portless')));
  assert.equal(await ask(resolve, 'portless.ns.svc.cluster.local A'), expected);
});

test('an address belongs to the Service that took it last', async () => {
  const zone = testZone();
  const resolve = resolver(zone);
  const next = service('next', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [http] });
  zone.setService(next);
  zone.removeService(serviceKey('ns', 'web'));
  const reverse = '7.0.96.10.in-addr.arpa PTR';
  assert.equal(await ask(resolve, reverse), `NOERROR | ${reverse} next.ns.svc.cluster.local`);
});

test('Pod names: disabled, or only of Pods that are there', async () => {
  const zone = testZone();
  const question = '10-244-0-5.ns.pod.cluster.local A';
  assert.equal(await ask(resolver(zone, { pods: 'disabled' }), question), NXDOMAIN);
  assert.equal(await ask(resolver(zone, { pods: 'disabled' }), 'ns.pod.cluster.local A'), NODATA);
  const podAddresses = new PodIndex();
  const verified = resolver(zone, { pods: 'verified', podAddresses });
  assert.equal(await ask(verified, question), NXDOMAIN);
  podAddresses.set(pod('a', '10.244.0.5'));
  assert.equal(await ask(verified, question), 'NOERROR | 10-244-0-5.ns.pod.cluster.local A 10.244.0.5');
  podAddresses.set(pod('a', '10.244.0.5', { phase: 'Succeeded' }));
  assert.equal(await ask(verified, question), NXDOMAIN);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createAutopath } from './autopath.ts';
import { createForwarder } from './forward-socket.ts';
import { PodIndex } from './pod-index.ts';
import type { Resolve } from './resolver.ts';
import { ask } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { pod } from './testing/objects.ts';
import { testResolver } from './testing/resolver.ts';
import { a, soa, upstreamServer } from './testing/upstream-server.ts';

const SOA = '! cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 5';
const CLIENT = '10.244.7.7';

function walking(pods: PodIndex, upstreams: readonly string[] = []): Resolve {
  const zone = testZone();
  zone.addNamespace('other');
  const forwarder = createForwarder({ upstreams, clock: systemClock, timeoutMs: 30_000 });
  const autopath = createAutopath({ zone, pods, hostSearch: ['corp.test'] });
  return testResolver(zone, { forwarder, autopath });
}

test('walks the search path of a Pod in one question', async () => {
  await using upstream = await upstreamServer((name) =>
    name === 'example.test' || name === 'printer.corp.test'
      ? { answers: [a(name, '192.0.2.9')] }
      : { rcode: 3, authorities: [soa('test', 60, 60)] },
  );
  const pods = new PodIndex();
  pods.set(pod('client', CLIENT, { namespace: 'other' }));
  const resolve = walking(pods, [upstream.address]);
  const cases: readonly (readonly [string, string])[] = [
    ['example.test', ' CNAME example.test | example.test A 192.0.2.9'],
    ['printer', ' CNAME printer.corp.test | printer.corp.test A 192.0.2.9'],
    ['web.ns', ' CNAME web.ns.svc.cluster.local | web.ns.svc.cluster.local A 10.96.0.7'],
    ['out.ns', ' CNAME out.ns.svc.cluster.local | out.ns.svc.cluster.local CNAME example.org'],
    ['six.ns', ` CNAME six.ns.svc.cluster.local | ${SOA}`],
  ];
  for (const [name, expected] of cases) {
    const asked = `${name}.other.svc.cluster.local`;
    assert.equal(await ask(resolve, `${asked} A`, {}, CLIENT), `NOERROR | ${asked}${expected}`);
  }
  assert.equal(await ask(resolve, 'none.other.svc.cluster.local A', {}, CLIENT), `NXDOMAIN | ${SOA}`);
});

test('leaves alone what is no step of a walk', async () => {
  const pods = new PodIndex();
  pods.set(pod('client', CLIENT, { namespace: 'other' }));
  const resolve = walking(pods);
  const missing = `NXDOMAIN | ${SOA}`;
  assert.equal(await ask(resolve, 'web.ns.other.svc.cluster.local NS', {}, CLIENT), missing);
  assert.equal(await ask(resolve, 'web.ns.ns.svc.cluster.local A', {}, CLIENT), missing);
  assert.equal(await ask(resolve, 'web.ns.other.svc.cluster.local A', {}, '10.244.9.9'), missing);
  assert.equal(await ask(resolve, 'web.ns.other.svc.cluster.local A'), missing);
  // Nobody of the outside answers: the client walks itself.
  assert.equal(await ask(resolve, 'example.test.other.svc.cluster.local A', {}, CLIENT), missing);
});

test('knows whose an address is while it changes hands', async () => {
  const pods = new PodIndex();
  const resolve = walking(pods);
  const walked = async (): Promise<string> => {
    const found = [];
    for (const namespace of ['ns', 'other']) {
      const answer = await ask(resolve, `web.ns.${namespace}.svc.cluster.local A`, {}, CLIENT);
      if (answer.startsWith('NOERROR')) found.push(namespace);
    }
    return found.join(' ') || 'nobody';
  };
  assert.equal(await walked(), 'nobody');
  pods.set(pod('old', CLIENT, { namespace: 'ns' }));
  assert.equal(await walked(), 'ns');
  pods.set(pod('old', CLIENT, { namespace: 'ns', deleting: true }));
  assert.equal(await walked(), 'ns');
  pods.set(pod('new', CLIENT, { namespace: 'other' }));
  assert.equal(await walked(), 'other');
  pods.delete(pod('old', CLIENT, { namespace: 'ns' }));
  assert.equal(await walked(), 'other');
  pods.set(pod('third', CLIENT, { namespace: 'ns' }));
  assert.equal(await walked(), 'nobody');
  pods.set(pod('new', CLIENT, { namespace: 'other', phase: 'Succeeded' }));
  assert.equal(await walked(), 'ns');
  pods.set(pod('third', CLIENT, { namespace: 'ns', spec: { hostNetwork: true } }));
  assert.equal(await walked(), 'nobody');
  pods.set(pod('third', CLIENT, { namespace: 'ns', spec: { dnsPolicy: 'None' } }));
  assert.equal(await walked(), 'nobody');
  assert.equal(pods.size, 1);
});

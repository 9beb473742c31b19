import assert from 'node:assert/strict';
import test from 'node:test';
import { objectKey } from '#api/object.ts';
import fc from 'fast-check';
import type { Resolve } from './resolver.ts';
import { serviceKey } from './service-entry.ts';
import { ask } from './testing/ask.ts';
import { service, slice } from './testing/objects.ts';
import { testResolver } from './testing/resolver.ts';
import { Zone } from './zone.ts';

/** Few names and addresses, so that they meet. */
const addresses = ['10.244.0.1', '10.244.0.2', '10.244.0.3'];
const serviceNames = ['a', 'b'];
const kinds = ['clusterIp', 'headless', 'alias', 'gone'] as const;

const endpoint = fc.record({
  addresses: fc.subarray(addresses, { minLength: 1, maxLength: 2 }),
  hostname: fc.constantFrom('', 'h-0', 'h-1', '10-244-0-1'),
  ready: fc.boolean(),
});
const serviceChange = fc.record({
  kind: fc.constant('service' as const),
  name: fc.constantFrom(...serviceNames),
  to: fc.constantFrom(...kinds),
  ip: fc.constantFrom('10.96.0.1', '10.96.0.2'),
});
const sliceChange = fc.record({
  kind: fc.constant('slice' as const),
  name: fc.constantFrom(...serviceNames),
  part: fc.nat(2),
  endpoints: fc.option(fc.array(endpoint, { maxLength: 4 })),
});
type Change =
  typeof serviceChange extends fc.Arbitrary<infer S>
    ? S | (typeof sliceChange extends fc.Arbitrary<infer T> ? T : never)
    : never;

const http = { name: 'http', protocol: 'TCP', port: 80 };

function apply(zone: Zone, change: Change): void {
  const { name } = change;
  if (change.kind === 'slice') {
    const endpoints = (change.endpoints ?? []).map(({ addresses, hostname, ready }) => ({
      addresses,
      ...(hostname === '' ? {} : { hostname }),
      conditions: { ready },
    }));
    const object = slice(name, { ports: [http], endpoints }, `${name}-${change.part}`);
    if (change.endpoints === null) zone.removeSlice(objectKey(object));
    else zone.setSlice(object);
    return;
  }
  const { to, ip } = change;
  if (to === 'clusterIp') zone.setService(service(name, { clusterIP: ip, clusterIPs: [ip], ports: [http] }));
  else if (to === 'headless') zone.setService(service(name, { clusterIP: 'None', clusterIPs: ['None'] }));
  else if (to === 'alias')
    zone.setService(service(name, { type: 'ExternalName', externalName: 'a.ns.svc.cluster.local' }));
  else zone.removeService(serviceKey('ns', name));
}

const questions = [
  ...serviceNames.flatMap((name) =>
    ['', 'h-0.', 'h-1.', '10-244-0-1.', '10-244-0-2.', '_http._tcp.'].flatMap((before) => [
      `${before}${name}.ns.svc.cluster.local A`,
      `${before}${name}.ns.svc.cluster.local SRV`,
    ]),
  ),
  ...addresses.map((address) => `${address.split('.').toReversed().join('.')}.in-addr.arpa PTR`),
];

async function answers(resolve: Resolve): Promise<readonly string[]> {
  const all = await Promise.all(questions.map((question) => ask(resolve, question)));
  // Neither the order of changes nor turns may matter.
  return all.map((answer) => answer.split(' | ').toSorted().join(' | '));
}

/** What is there in the end, for a zone that never knew anything else. Who took an address last is part of it. */
function lastOf(changes: readonly Change[]): readonly Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) {
    const key = change.kind === 'slice' ? `slice ${change.name} ${change.part}` : `service ${change.name}`;
    last.delete(key);
    last.set(key, change);
  }
  return [...last.values()];
}

test('after any changes it says what a new one would', async () => {
  const distinctIps = (changes: readonly Change[]): boolean => {
    const ips = lastOf(changes).flatMap((change) =>
      change.kind === 'service' && change.to === 'clusterIp' ? [change.ip] : [],
    );
    return new Set(ips).size === ips.length;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(serviceChange, sliceChange), { maxLength: 20 }), async (changes) => {
      fc.pre(distinctIps(changes));
      const changed = new Zone('cluster.local');
      const resolve = testResolver(changed);
      for (const change of changes) {
        apply(changed, change);
        // What is compiled on the way must not be left over.
        await ask(resolve, 'a.ns.svc.cluster.local A');
        await ask(resolve, 'h-0.a.ns.svc.cluster.local A');
      }
      const fresh = new Zone('cluster.local');
      for (const change of lastOf(changes)) apply(fresh, change);
      assert.deepEqual(await answers(resolve), await answers(testResolver(fresh)));
    }),
    { numRuns: 300, interruptAfterTimeLimit: 8000 },
  );
});

test('a domain that is none is refused', () => {
  assert.throws(() => new Zone('a..b'), /Cannot serve the domain "a..b": it is not a domain name/);
  assert.equal(new Zone('Cluster.LOCAL.').domain, 'cluster.local');
});

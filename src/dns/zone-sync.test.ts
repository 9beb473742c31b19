import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { KubeObject } from '#api/object.ts';
import { endpointSlices, namespaces, pods, type Resource, services } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { Informers } from '#client/informers.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { settle } from '#client/testing/turns.ts';
import { PodIndex } from './pod-index.ts';
import { ProgrammingLatency } from './programming-latency.ts';
import { ask } from './testing/ask.ts';
import { pod, service, slice } from './testing/objects.ts';
import { testResolver } from './testing/resolver.ts';
import { syncPods, syncZone } from './zone-sync.ts';
import { Zone } from './zone.ts';

const http = { name: 'http', protocol: 'TCP', port: 80 };
const db = 'db.ns.svc.cluster.local A';

test('answers follow the objects of a cluster', async () => {
  const clock = new ManualClock();
  const client = createClient(inProcessTransport(new FakeApi(clock).handle, { username: 'test', groups: [] }));
  const stop = new AbortController();
  const informers = new Informers(client, { clock, log: silentLog });
  const zone = new Zone('cluster.local');
  const podAddresses = new PodIndex();
  const create = async <T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> => {
    await client.create(resource, object);
    await settle();
  };
  const namespace = service('ns', {}).metadata;
  await create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: namespace, spec: {}, status: {} });
  await create(services, service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }));
  await create(pods, pod('db-0', '10.244.0.1'));
  const { signal } = stop;
  await Promise.all([syncZone(zone, { informers, signal }), syncPods(podAddresses, { informers, signal })]);
  const resolve = testResolver(zone, { pods: 'verified', podAddresses });

  assert.match(await ask(resolve, db), /^NXDOMAIN/);
  assert.match(await ask(resolve, '10-244-0-1.ns.pod.cluster.local A'), /^NOERROR .* A 10.244.0.1$/);
  const endpoints = [{ addresses: ['10.244.0.1'] }];
  await create(endpointSlices, slice('db', { ports: [http], endpoints }));
  assert.equal(await ask(resolve, db), `NOERROR | ${db} 10.244.0.1`);

  // The slice goes over to another Service: the old one must lose it.
  await create(services, service('other', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }));
  const [moved] = (await client.list(endpointSlices, { namespace: 'ns' })).items;
  assert.ok(moved !== undefined);
  const labels = { 'kubernetes.io/service-name': 'other' };
  await client.update(endpointSlices, { ...moved, metadata: { ...moved.metadata, labels } });
  await settle();
  assert.match(await ask(resolve, db), /^NXDOMAIN/);
  assert.equal(await ask(resolve, db.replace('db', 'other')), `NOERROR | ${db.replace('db', 'other')} 10.244.0.1`);

  await client.delete(services, { namespace: 'ns', name: 'other' });
  await client.delete(pods, { namespace: 'ns', name: 'db-0' });
  await settle();
  assert.match(await ask(resolve, db.replace('db', 'other')), /^NXDOMAIN/);
  assert.equal(podAddresses.size, 0);
  stop.abort();
});

test('measures from the change of the endpoints of headless Services to their being in the zone', async () => {
  const clock = new ManualClock();
  const client = createClient(inProcessTransport(new FakeApi(clock).handle, { username: 'test', groups: [] }));
  const stop = new AbortController();
  const zone = new Zone('cluster.local');
  const latency = new ProgrammingLatency(clock);
  const triggered = async (of: string, name: string, ms: number | undefined): Promise<void> => {
    const made = slice(of, { ports: [http], endpoints: [{ addresses: ['10.244.0.1'] }] }, name);
    const at = ms === undefined ? undefined : new Date(clock.now() - ms).toISOString();
    const annotations = at === undefined ? {} : { 'endpoints.kubernetes.io/last-change-trigger-time': at };
    await client.create(endpointSlices, { ...made, metadata: { ...made.metadata, annotations } });
    await settle();
  };
  await client.create(services, service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }));
  await client.create(services, service('web', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports: [http] }));
  await triggered('db', 'long-ago', 60_000);
  const informers = new Informers(client, { clock, log: silentLog });
  await syncZone(zone, { informers, signal: stop.signal, latency });
  const { seconds } = latency;
  const counted = (): string => `${seconds.counts.reduce((sum, count) => sum + count)} ${seconds.sum}`;
  assert.equal(counted(), '0 0');

  await clock.advance(10_000);
  await triggered('web', 'with-an-address', 5);
  await triggered('db', 'by-hand', undefined);
  assert.equal(counted(), '0 0');
  await triggered('db', 'one', 500);
  await triggered('db', 'two', 250);
  await triggered('db', 'ahead-of-our-clock', -1000);
  assert.equal(counted(), '3 0.75');
  stop.abort();
});

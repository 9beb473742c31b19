import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import type { CoreEvent, IPAddress, Service, ServiceCIDR } from '#api/generated/types.ts';
import { MemoryStore } from '#store/memory-store.ts';
import { bodyOf, cidrs, outcome, TestServer } from '../testing/test-server.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const NETWORKING = '/apis/networking.k8s.io/v1';
const RANGES = `${NETWORKING}/servicecidrs`;
const ADDRESSES = `${NETWORKING}/ipaddresses`;

async function started(...ranges: readonly string[]): Promise<{ server: TestServer; clock: ManualClock }> {
  const clock = new ManualClock();
  const server = await TestServer.start({ clock, keepRanges: true, serviceCidrs: cidrs(...ranges) });
  return { server, clock };
}

function post(server: TestServer, name: string, spec: object = {}): ReturnType<TestServer['post']> {
  return server.post(SERVICES, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
}

/** Until `done` says so: the keeper works beside the requests. */
async function eventually<T>(look: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const value = await look();
    if (done(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return look();
}

async function items<T>(server: TestServer, path: string): Promise<readonly T[]> {
  return bodyOf<{ items: readonly T[] }>(await server.get(path)).items;
}

/** `10.96.0.9 services/default/web` for each. */
async function addresses(server: TestServer): Promise<readonly string[]> {
  return (await items<IPAddress>(server, ADDRESSES)).map(({ metadata, spec }) => {
    const { resource, namespace, name } = spec.parentRef;
    return `${metadata.name} ${resource ?? ''}/${namespace ?? ''}/${name ?? ''}`;
  });
}

async function range(server: TestServer, name: string): Promise<string> {
  const answer = await server.get(`${RANGES}/${name}`);
  if (answer.kind !== 'object' || answer.status !== 200) return outcome(answer);
  const { metadata, spec, status } = bodyOf<ServiceCIDR>(answer);
  const conditions = status.conditions?.map(({ type, status: state, reason }) => `${type}=${state} ${reason}`.trim());
  const going = metadata.deletionTimestamp === undefined ? '' : ' going';
  return `${spec.cidrs?.join()} ${metadata.finalizers?.join() ?? '-'} ${conditions?.join() ?? '-'}${going}`;
}

async function events(server: TestServer): Promise<readonly string[]> {
  const list = await items<CoreEvent>(server, '/api/v1/namespaces/default/events');
  return list.map(({ type, reason, involvedObject, message, reportingComponent }) =>
    [type, reason, `${involvedObject.kind}/${involvedObject.name}`, reportingComponent, message].join(' '),
  );
}

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';

test('the default range exists as soon as the server answers', async () => {
  const { server } = await started('10.96.0.0/28');
  await using _ = server;
  assert.equal(await range(server, 'kubernetes'), `10.96.0.0/28 ${FINALIZER} Ready=True`);
  const condition = bodyOf<ServiceCIDR>(await server.get(`${RANGES}/kubernetes`)).status.conditions?.[0];
  assert.equal(condition?.message, 'Kubernetes Service CIDR is ready');
});

test('each ClusterIP has its IPAddress, which goes with the Service', async () => {
  const { server } = await started('10.96.0.0/28', 'fd00::/112');
  await using _ = server;
  await post(server, 'web', {
    ipFamilyPolicy: 'RequireDualStack',
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9', 'fd00::9'],
  });
  assert.deepEqual(await addresses(server), ['10.96.0.9 services/default/web', 'fd00::9 services/default/web']);
  const { metadata, spec } = bodyOf<IPAddress>(await server.get(`${ADDRESSES}/fd00::9`));
  assert.deepEqual(
    { labels: metadata.labels, spec },
    {
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv6',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
    },
  );
  await server.patch(`${SERVICES}/web`, 'merge', { spec: { ipFamilyPolicy: 'SingleStack' } });
  assert.deepEqual(await addresses(server), ['10.96.0.9 services/default/web']);
  const external = { spec: { type: 'ExternalName', externalName: 'x.test' } };
  assert.equal(outcome(await server.patch(`${SERVICES}/web`, 'merge', external)), '200');
  assert.deepEqual(await addresses(server), []);
  await post(server, 'api', { clusterIP: '10.96.0.9' });
  await server.delete(`${SERVICES}/api`);
  assert.deepEqual(await addresses(server), []);
});

test('dry runs and failed writes leave no IPAddress', async () => {
  const { server } = await started('10.96.0.0/28');
  await using _ = server;
  await server.post(`${SERVICES}?dryRun=All`, { metadata: { name: 'dry' }, spec: { ports: [{ port: 80 }] } });
  assert.match(outcome(await post(server, 'bad', { sessionAffinity: 'x' })), /^422/);
  await post(server, 'twice');
  assert.match(outcome(await post(server, 'twice')), /^409/);
  assert.equal((await addresses(server)).length, 1);
});

test('an IPAddress of somebody else takes the address as well', async () => {
  const { server } = await started('10.96.0.0/28');
  await using _ = server;
  const parentRef = { group: 'gateway.networking.k8s.io', resource: 'gateways', name: 'edge', namespace: 'default' };
  await server.post(ADDRESSES, { metadata: { name: '10.96.0.9' }, spec: { parentRef } });
  assert.match(outcome(await post(server, 'web', { clusterIP: '10.96.0.9' })), /provided IP is already allocated$/);
  await server.delete(`${ADDRESSES}/10.96.0.9`);
  assert.equal(outcome(await post(server, 'web', { clusterIP: '10.96.0.9' })), '201');
});

test('a further range gives addresses when the first is full, and is not deleted while it is in use', async () => {
  const { server, clock } = await started('10.96.0.0/30');
  await using _ = server;
  await post(server, 'a');
  await post(server, 'b');
  assert.match(outcome(await post(server, 'c')), /failed to allocate a serviceIP: range is full$/);
  const more = { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/30'] } };
  assert.equal(outcome(await server.post(RANGES, more)), '201');
  const ready = `10.97.0.0/30 ${FINALIZER} Ready=True`;
  assert.equal(
    await eventually(
      () => range(server, 'more'),
      (text) => text === ready,
    ),
    ready,
  );
  assert.equal(outcome(await post(server, 'c')), '201');
  await server.delete(`${RANGES}/more`);
  const kept = `10.97.0.0/30 ${FINALIZER} Ready=False Terminating going`;
  assert.equal(
    await eventually(
      () => range(server, 'more'),
      (text) => text === kept,
    ),
    kept,
  );
  assert.match(outcome(await post(server, 'd')), /range is full$/);
  await server.delete(`${SERVICES}/c`);
  await eventually(
    async () => {
      await clock.advance(1_000);
      return range(server, 'more');
    },
    (text) => text.startsWith('404'),
  );
  assert.match(await range(server, 'more'), /^404 NotFound/);
});

test('a range within a larger one goes although its addresses are in use', async () => {
  const { server, clock } = await started('10.96.0.0/24');
  await using _ = server;
  await server.post(RANGES, { metadata: { name: 'inner' }, spec: { cidrs: ['10.96.0.0/28'] } });
  await post(server, 'web', { clusterIP: '10.96.0.9' });
  await server.delete(`${RANGES}/inner`);
  const gone = await eventually(
    async () => {
      await clock.advance(1_000);
      return range(server, 'inner');
    },
    (text) => text.startsWith('404'),
  );
  assert.match(gone, /^404/);
  assert.equal(clock.now() - Date.UTC(2026, 0, 1) >= 10_000, true);
});

test('a missing IPAddress is made again, with an event', async () => {
  const { server } = await started('10.96.0.0/28');
  await using _ = server;
  await post(server, 'web', { clusterIP: '10.96.0.9' });
  await server.delete(`${ADDRESSES}/10.96.0.9`);
  const back = await eventually(
    () => addresses(server),
    ({ length }) => length > 0,
  );
  assert.deepEqual(back, ['10.96.0.9 services/default/web']);
  assert.deepEqual(await events(server), [
    'Warning ClusterIPNotAllocated Service/web ipallocator-repair-controller Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing',
  ]);
});

test('labels that somebody took off come back', async () => {
  const { server } = await started('10.96.0.0/28');
  await using _ = server;
  await post(server, 'web', { clusterIP: '10.96.0.9' });
  await server.patch(`${ADDRESSES}/10.96.0.9`, 'merge', { metadata: { labels: null } });
  const labels = async (): Promise<number> => {
    const answer = await server.get(`${ADDRESSES}/10.96.0.9`);
    return outcome(answer) === '200' ? Object.keys(bodyOf<IPAddress>(answer).metadata.labels ?? {}).length : 0;
  };
  assert.equal(await eventually(labels, (count) => count === 2), 2);
});

test('an orphan goes after a minute, one of somebody else stays', async () => {
  const { server, clock } = await started('10.96.0.0/28');
  await using _ = server;
  const labels = {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  };
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'none' };
  await server.post(ADDRESSES, { metadata: { name: '10.96.0.9', labels }, spec: { parentRef } });
  await server.post(ADDRESSES, { metadata: { name: '10.96.0.8' }, spec: { parentRef } });
  await clock.advance(45_000);
  assert.equal((await addresses(server)).length, 2);
  await clock.advance(60_000);
  const left = await eventually(
    () => addresses(server),
    ({ length }) => length === 1,
  );
  assert.deepEqual(left, ['10.96.0.8 services/default/none']);
  assert.deepEqual(await events(server), [
    'Warning IPAddressNotAllocated IPAddress/10.96.0.9 ipallocator-repair-controller IPAddress: 10.96.0.9 for Service default/none appears to have leaked: cleaning up',
  ]);
});

test('a Service out of every range is told of once', async () => {
  const store = new MemoryStore();
  const first = await TestServer.start({ store, serviceCidrs: cidrs('10.97.0.0/28') });
  await post(first, 'old', { clusterIP: '10.97.0.9' });
  await first[Symbol.asyncDispose]();
  const clock = new ManualClock();
  await using server = TestServer.bare({ store, clock, keepRanges: true, serviceCidrs: cidrs('10.96.0.0/28') });
  const note = 'Cluster IP [IPv4]: 10.97.0.9 is not within any configured Service CIDR; please recreate service';
  const expected = [`Warning ClusterIPOutOfRange Service/old ipallocator-repair-controller ${note}`];
  assert.deepEqual(
    await eventually(
      () => events(server),
      ({ length }) => length > 0,
    ),
    expected,
  );
  await clock.advance(120_000);
  assert.deepEqual(await events(server), expected);
});

test('a default range that is not the one of the server is told of once', async () => {
  const store = new MemoryStore();
  const first = await TestServer.start({ store, keepRanges: true, serviceCidrs: cidrs('10.97.0.0/28') });
  await first[Symbol.asyncDispose]();
  const clock = new ManualClock();
  await using server = TestServer.bare({ store, clock, keepRanges: true, serviceCidrs: cidrs('10.96.0.0/28') });
  const told =
    'The default ServiceCIDR [10.97.0.0/28] does not match the controller flag configurations [10.96.0.0/28]';
  const expected = [
    `Warning KubernetesDefaultServiceCIDRInconsistent ServiceCIDR/kubernetes kubernetes-service-cidr-controller ${told}`,
  ];
  assert.deepEqual(
    await eventually(
      () => events(server),
      ({ length }) => length > 0,
    ),
    expected,
  );
  await server.patch(`${RANGES}/kubernetes`, 'merge', { metadata: { labels: { a: 'b' } } });
  await clock.advance(60_000);
  assert.deepEqual(await events(server), expected);
  assert.match(await range(server, 'kubernetes'), /^10\.97\.0\.0\/28 /);
});

test('the default range is made again, and becomes dual where the server has two', async () => {
  const store = new MemoryStore();
  const first = await TestServer.start({ store, keepRanges: true, serviceCidrs: cidrs('10.96.0.0/28') });
  await first[Symbol.asyncDispose]();
  const clock = new ManualClock();
  const both = cidrs('10.96.0.0/28', 'fd00::/112');
  await using server = TestServer.bare({ store, clock, keepRanges: true, serviceCidrs: both });
  assert.match(await range(server, 'kubernetes'), /^10\.96\.0\.0\/28,fd00::\/112 /);
  await server.delete(`${RANGES}/kubernetes`);
  const again = await eventually(
    async () => {
      await clock.advance(1_000);
      return range(server, 'kubernetes');
    },
    (text) => clock.now() > Date.UTC(2026, 0, 1) + 11_000 && text.endsWith('Ready=True'),
  );
  assert.equal(again, `10.96.0.0/28,fd00::/112 ${FINALIZER} Ready=True`);
});

test('a thousand Services at once share no address, and two servers on one store neither', async () => {
  const store = new MemoryStore();
  const options = { store, keepRanges: true, serviceCidrs: cidrs('10.96.0.0/21') };
  await using one = await TestServer.start(options);
  await using two = TestServer.bare(options);
  const made = await Promise.all(Array.from({ length: 1_000 }, (_, i) => post(i % 2 === 0 ? one : two, `s${i}`)));
  assert.deepEqual(new Set(made.map(outcome)), new Set(['201']));
  const ips = made.map((answer) => bodyOf<Service>(answer).spec.clusterIP);
  assert.equal(new Set(ips).size, 1_000);
  assert.deepEqual((await addresses(one)).map((line) => line.split(' ')[0]).toSorted(), ips.toSorted());
});

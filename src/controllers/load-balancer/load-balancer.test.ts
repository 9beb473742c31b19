import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cidr, parseCidr } from '#base/cidr.ts';
import type { CoreEvent, Service } from '#api/generated/types.ts';
import { services } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { startLoadBalancerController } from './load-balancer.ts';
import { LoadBalancerPool } from './load-balancer-pool.ts';

function ranges(...texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => parseCidr(text) ?? assert.fail(text));
}

async function started(...cidrs: readonly string[]): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.start((context) => startLoadBalancerController(context, ranges(...cidrs)));
  return plane;
}

async function create(plane: ControlPlane, name: string, spec: object = {}): Promise<void> {
  const metadata = { namespace: 'd', name };
  await plane.client.create(services, { metadata, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec } });
  await plane.rest();
}

async function change(plane: ControlPlane, name: string, body: object): Promise<void> {
  await plane.client.patch(services, { namespace: 'd', name }, { kind: 'merge', body });
  await plane.rest();
}

/** `name address,address finalizers` of each Service. */
function balancers(plane: ControlPlane): string[] {
  return plane.api.all<Service>('services').map(({ metadata, status }) => {
    const ingress = status?.loadBalancer?.ingress ?? [];
    const addresses = ingress.map(({ ip, ipMode }) => `${ip}${ipMode === 'VIP' ? '' : `?${ipMode}`}`).join(',');
    return [metadata.name, addresses || '<pending>', ...(metadata.finalizers ?? [])].join(' ');
  });
}

function events(plane: ControlPlane): string[] {
  return plane.api
    .all<CoreEvent>('events')
    .map(({ involvedObject, type, reason, message }) => `${involvedObject.name} ${type} ${reason}: ${message}`)
    .sort();
}

const KEPT = 'service.kubernetes.io/load-balancer-cleanup';
const ensured = (name: string): string[] => [
  `${name} Normal EnsuredLoadBalancer: Ensured load balancer`,
  `${name} Normal EnsuringLoadBalancer: Ensuring load balancer`,
];

test('a load balancer has an address at once, and its end frees it for the next', async () => {
  await using plane = await started('127.77.0.0/24');
  await create(plane, 'a');
  await create(plane, 'b');
  assert.deepEqual(balancers(plane), [`a 127.77.0.1 ${KEPT}`, `b 127.77.0.2 ${KEPT}`]);
  assert.deepEqual(events(plane), [...ensured('a'), ...ensured('b')]);
  await plane.client.delete(services, { namespace: 'd', name: 'a' });
  await plane.rest();
  await create(plane, 'c');
  assert.deepEqual(balancers(plane), [`b 127.77.0.2 ${KEPT}`, `c 127.77.0.1 ${KEPT}`]);
});

test('a Service that is no load balancer any more gives its address back', async () => {
  await using plane = await started('127.77.0.0/24');
  await create(plane, 'a');
  await change(plane, 'a', { spec: { type: 'ClusterIP' } });
  // The status is the API server's to empty, with the write of the type.
  assert.deepEqual(balancers(plane), ['a 127.77.0.1']);
  assert.deepEqual(events(plane), [
    'a Normal DeletedLoadBalancer: Deleted load balancer',
    'a Normal DeletingLoadBalancer: Deleting load balancer',
    ...ensured('a'),
  ]);
  await create(plane, 'b');
  assert.deepEqual(balancers(plane), ['a 127.77.0.1', `b 127.77.0.1 ${KEPT}`]);
});

test('loadBalancerIP is honoured, also when it changes', async () => {
  await using plane = await started('127.77.0.0/24');
  await create(plane, 'a', { loadBalancerIP: '127.77.0.9' });
  await create(plane, 'b', { loadBalancerIP: '127.77.0.9' });
  await create(plane, 'c', { loadBalancerIP: '192.0.2.1' });
  assert.deepEqual(balancers(plane), [`a 127.77.0.9 ${KEPT}`, `b <pending> ${KEPT}`, `c <pending> ${KEPT}`]);
  assert.deepEqual(
    events(plane).filter((line) => line.includes('Warning')),
    [
      'b Warning SyncLoadBalancerFailed: Error syncing load balancer: 127.77.0.9 is in use by the load balancer of d/a',
      'c Warning SyncLoadBalancerFailed: Error syncing load balancer: 192.0.2.1 is not one of the load balancer addresses of this cluster, 127.77.0.0/24',
    ],
  );
  await change(plane, 'c', { spec: { loadBalancerIP: '127.77.0.7' } });
  await change(plane, 'a', { spec: { loadBalancerIP: '127.77.0.7' } });
  assert.deepEqual(balancers(plane).slice(0, 1), [`a 127.77.0.9 ${KEPT}`], 'it keeps what it has');
  await change(plane, 'a', { spec: { loadBalancerIP: '127.77.0.8' } });
  assert.deepEqual(balancers(plane), [`a 127.77.0.8 ${KEPT}`, `b 127.77.0.9 ${KEPT}`, `c 127.77.0.7 ${KEPT}`]);
});

test('a full range says so, and who waits gets what is freed', async () => {
  await using plane = await started('127.77.0.0/30');
  for (const name of ['a', 'b', 'c']) await create(plane, name);
  assert.deepEqual(balancers(plane), [`a 127.77.0.1 ${KEPT}`, `b 127.77.0.2 ${KEPT}`, `c <pending> ${KEPT}`]);
  assert.ok(
    events(plane).includes(
      'c Warning SyncLoadBalancerFailed: Error syncing load balancer: all load balancer addresses of 127.77.0.0/30 are in use',
    ),
  );
  await plane.client.delete(services, { namespace: 'd', name: 'a' });
  await plane.rest();
  assert.deepEqual(balancers(plane), [`b 127.77.0.2 ${KEPT}`, `c 127.77.0.1 ${KEPT}`]);
});

test('a Service of two families has two addresses, as far as the cluster has them', async () => {
  await using plane = await started('127.77.0.0/24', 'fd00:7f::/112');
  await create(plane, 'a', { ipFamilies: ['IPv6', 'IPv4'] });
  await create(plane, 'b', { ipFamilies: ['IPv6'] });
  await change(plane, 'a', { spec: { ipFamilies: ['IPv6'] } });
  await create(plane, 'c', { ipFamilies: ['IPv4'] });
  assert.deepEqual(balancers(plane), [`a fd00:7f::1 ${KEPT}`, `b fd00:7f::2 ${KEPT}`, `c 127.77.0.1 ${KEPT}`]);
  await using single = await started('127.77.0.0/24');
  await create(single, 'a', { ipFamilies: ['IPv6', 'IPv4'] });
  await create(single, 'b', { ipFamilies: ['IPv6'] });
  assert.deepEqual(balancers(single), [`a 127.77.0.1 ${KEPT}`, `b <pending> ${KEPT}`]);
});

test("other classes' load balancers are left alone, their finalizer too", async () => {
  await using plane = await started('127.77.0.0/24');
  const metadata = { namespace: 'd', name: 'a', finalizers: [KEPT] };
  const spec = { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb', ports: [{ port: 80 }] };
  await plane.client.create(services, { metadata, spec });
  await plane.client.delete(services, metadata);
  await plane.rest();
  assert.deepEqual(balancers(plane), [`a <pending> ${KEPT}`]);
  assert.deepEqual(events(plane), []);
});

test("a controller that starts anew takes nobody's address away", async () => {
  const plane = controlPlane();
  await using _ = plane;
  const ingress = [{ ip: '127.77.0.1', ipMode: 'VIP' }];
  const spec = { type: 'LoadBalancer', ports: [{ port: 80 }] };
  await plane.client.create(services, { metadata: { namespace: 'd', name: 'a' }, spec });
  await plane.client.create(services, {
    metadata: { namespace: 'd', name: 'b', finalizers: [KEPT] },
    spec,
    status: { loadBalancer: { ingress } },
  });
  await plane.start((context) => startLoadBalancerController(context, ranges('127.77.0.0/24')));
  await plane.rest();
  assert.deepEqual(balancers(plane), [`a 127.77.0.2 ${KEPT}`, `b 127.77.0.1 ${KEPT}`]);
});

test('a pool gives the lowest free address, whatever order they come back in', () => {
  const pool = new LoadBalancerPool(ranges('127.77.0.0/29'));
  for (const owner of ['a', 'b', 'c', 'd']) pool.take(owner, 4);
  pool.release('c');
  pool.release('a');
  assert.deepEqual(
    ['e', 'f', 'g'].map((owner) => pool.take(owner, 4)),
    ['127.77.0.1', '127.77.0.3', '127.77.0.5'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Endpoints, EndpointSlice, Pod, Service } from '#api/generated/types.ts';
import { endpointSlices, nodes, pods, services } from '#api/resource.ts';
import { startEndpointSliceController } from './endpoint-slice.ts';
import { startEndpointsController } from './endpoints.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';

const NONE = { namespace: 'd', name: 'none' };

function service(name: string, spec: object = {}): Service {
  const ports = [{ port: 80, protocol: 'TCP', targetPort: 8080 }];
  const given = { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports, ...spec };
  return { metadata: { namespace: 'd', name }, spec: given } as unknown as Service;
}

function pod(name: string, node: string, labels: Record<string, string> = { app: 'web' }): Pod {
  const spec = { nodeName: node, containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }] };
  return { metadata: { namespace: 'd', name, labels }, spec } as unknown as Pod;
}

function slices(plane: ControlPlane): string[] {
  return plane.api.all<EndpointSlice>('endpointslices').map(({ metadata, ports = [], endpoints = [] }) => {
    const text = endpoints.map(
      ({ addresses, conditions }) => `${addresses[0]}${conditions?.ready === true ? '' : '!'}`,
    );
    return `${metadata.name} ${ports.map(({ port }) => port).join()} [${text.join(' ')}]`;
  });
}

function subsets(plane: ControlPlane): string[] {
  return plane.api.all<Endpoints>('endpoints').map(({ metadata, subsets = [] }) => {
    const text = subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
      [
        ...addresses.map(({ ip }) => ip),
        ...notReadyAddresses.map(({ ip }) => `${ip}!`),
        ...ports.map(({ port }) => `:${port}`),
      ].join(' '),
    );
    return `${metadata.name} [${text.join('] [')}]`;
  });
}

async function serving(): Promise<ControlPlane> {
  const plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(startEndpointSliceController, startEndpointsController);
  return plane;
}

/** Endpoints come once their Pods leave them alone. */
async function rest(plane: ControlPlane): Promise<void> {
  await plane.rest();
  await plane.clock.advance(10);
  await plane.rest();
}

test('endpoints follow Pods from pending to ready to terminating to gone', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await rest(plane);
  assert.deepEqual(
    slices(plane).map((text) => text.replace(/web-\S+/, 'NAME')),
    ['NAME  []'],
  );
  assert.deepEqual(subsets(plane), ['web []']);
  const created = await plane.client.create(pods, pod('a', 'n1'));
  await plane.runPod(created, '10.0.0.1', false);
  await rest(plane);
  const [first = ''] = slices(plane);
  const name = first.split(' ')[0];
  assert.deepEqual(slices(plane), [`${name} 8080 [10.0.0.1!]`]);
  assert.deepEqual(subsets(plane), ['web [10.0.0.1! :8080]']);
  await plane.runPod(created, '10.0.0.1');
  await rest(plane);
  assert.deepEqual(slices(plane), [`${name} 8080 [10.0.0.1]`]);
  assert.deepEqual(subsets(plane), ['web [10.0.0.1 :8080]']);
  await plane.client.delete(pods, created.metadata);
  await rest(plane);
  assert.deepEqual(slices(plane), [`${name} 8080 [10.0.0.1!]`]);
  assert.deepEqual(subsets(plane), ['web []']);
  await plane.finishPod(created);
  await rest(plane);
  assert.deepEqual(slices(plane), [`${name}  []`]);
});

test('a burst of Pods is written without conflicts, and a change of nothing not at all', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  for (let i = 1; i <= 150; i++) {
    await plane.runPod(await plane.client.create(pods, pod(`p${i}`, 'n1')), `10.0.1.${i}`);
  }
  await rest(plane);
  const total = plane.api.all<EndpointSlice>('endpointslices').map(({ endpoints = [] }) => endpoints.length);
  assert.deepEqual(total.sort(), [100, 50]);
  plane.api.writes.length = 0;
  const body = { metadata: { annotations: { note: 'x' } } };
  await plane.client.patch(pods, { namespace: 'd', name: 'p1' }, { kind: 'merge', body });
  await rest(plane);
  assert.deepEqual(plane.api.writes, ['PATCH /api/v1/namespaces/d/pods/p1']);
});

test('Endpoints of Pods that come in a burst are written once, and at last', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await rest(plane);
  const created = await Promise.all([1, 2, 3].map((i) => plane.client.create(pods, pod(`p${i}`, 'n1'))));
  const writes = (): number => plane.api.writes.filter((write) => write.includes('/endpoints/')).length;
  for (const [i, one] of created.entries()) {
    await plane.runPod(one, `10.0.0.${i}`);
    await plane.rest();
    assert.equal(plane.api.all<EndpointSlice>('endpointslices')[0]?.endpoints?.length, i + 1, 'slices do not wait');
    await plane.clock.advance(9);
  }
  assert.equal(writes(), 0);
  await rest(plane);
  assert.equal(writes(), 1);
  for (let i = 0; i < 15; i++) {
    await plane.runPod(created[0] as Pod, `10.0.0.${i % 2}`);
    await plane.rest();
    await plane.clock.advance(9);
  }
  assert.equal(writes(), 2, 'after 100 ms they are not put off any longer');
  await rest(plane);
});

test('a Pod that leaves the selector leaves its Services, and joins others', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await plane.client.create(services, service('other', { selector: { app: 'other', tier: 'x' } }));
  const created = await plane.client.create(pods, pod('a', 'n1'));
  await plane.runPod(created, '10.0.0.1');
  const body = { metadata: { labels: { app: 'other', tier: 'x' } } };
  await plane.client.patch(pods, created.metadata, { kind: 'merge', body });
  await rest(plane);
  assert.deepEqual(subsets(plane), ['other [10.0.0.1 :8080]', 'web []']);
});

test('slices that somebody deletes or changes come back', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await plane.runPod(await plane.client.create(pods, pod('a', 'n1')), '10.0.0.1');
  await rest(plane);
  const [slice] = plane.api.all<EndpointSlice>('endpointslices');
  const path = `/apis/discovery.k8s.io/v1/namespaces/d/endpointslices/${slice?.metadata.name}`;
  await plane.client.raw({ method: 'PUT', path, body: { ...slice, endpoints: [] } });
  await rest(plane);
  assert.deepEqual(slices(plane), [`${slice?.metadata.name} 8080 [10.0.0.1]`]);
  await plane.client.raw({ method: 'DELETE', path, body: {} });
  await rest(plane);
  assert.deepEqual(
    slices(plane).map((text) => text.split(' ').slice(1).join(' ')),
    ['8080 [10.0.0.1]'],
  );
});

test('a slice that somebody takes away or deletes slowly is replaced', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await plane.runPod(await plane.client.create(pods, pod('a', 'n1')), '10.0.0.1');
  await rest(plane);
  const [first] = plane.api.all<EndpointSlice>('endpointslices');
  const labels = { 'kubernetes.io/service-name': 'mine' };
  await plane.client.patch(endpointSlices, first?.metadata ?? NONE, { kind: 'merge', body: { metadata: { labels } } });
  await rest(plane);
  const mine = `${first?.metadata.name} 8080 [10.0.0.1]`;
  const others = (): string[] => slices(plane).filter((text) => text !== mine);
  assert.deepEqual(
    others().map((text) => text.split(' ').slice(1).join(' ')),
    ['8080 [10.0.0.1]'],
  );
  const second = plane.api
    .all<EndpointSlice>('endpointslices')
    .find(({ metadata }) => metadata.name !== first?.metadata.name);
  const finalizers = ['example.org/wait'];
  await plane.client.patch(endpointSlices, second?.metadata ?? NONE, {
    kind: 'merge',
    body: { metadata: { finalizers } },
  });
  await plane.client.delete(endpointSlices, second?.metadata ?? NONE);
  await rest(plane);
  assert.equal(others().length, 2, 'the new one stands beside the one that goes');
});

test('what endpoints cannot be written for is an event and tried again, but for a namespace that goes', async () => {
  await using plane = await serving();
  const inner = plane.api.intercept;
  let message = 'exceeded quota: few';
  plane.api.intercept = (request) => {
    if (request.method !== 'POST' || !/\/(endpoints|endpointslices)$/.test(request.path)) return inner?.(request);
    const body = { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message };
    return message === '' ? undefined : { kind: 'object', status: 403, body };
  };
  await plane.client.create(services, service('web'));
  await rest(plane);
  const told = (): string[] =>
    plane.api
      .all<CoreEvent>('events')
      .map(({ involvedObject, reason, message: text }) => `${involvedObject.kind} ${reason}: ${text}`)
      .sort();
  assert.deepEqual(told(), [
    'Endpoints FailedToCreateEndpoint: Failed to create endpoint for service d/web: exceeded quota: few',
    'Service FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service d/web: exceeded quota: few',
  ]);
  message = '';
  await plane.clock.advance(1000);
  await rest(plane);
  assert.equal(slices(plane).length + subsets(plane).length, 2);
  message = 'unable to create new content in namespace d because it is being terminated';
  await plane.client.create(services, service('late'));
  await rest(plane);
  assert.equal(told().length, 2);
});

test('Services without selector and ExternalName Services are left to their users', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('bare', { selector: undefined }));
  await plane.client.create(services, service('name', { type: 'ExternalName', externalName: 'example.org' }));
  await rest(plane);
  assert.deepEqual([...slices(plane), ...subsets(plane)], []);
});

test('Endpoints go with their Service, but not those of a Service without selector', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await plane.client.create(services, service('bare', { selector: undefined }));
  const own = { metadata: { namespace: 'd', name: 'bare' }, subsets: [] };
  await plane.client.raw({ method: 'POST', path: '/api/v1/namespaces/d/endpoints', body: own });
  await rest(plane);
  for (const name of ['web', 'bare']) await plane.client.delete(services, { namespace: 'd', name });
  await rest(plane);
  assert.deepEqual(subsets(plane), ['bare []']);
});

test('a Pod without a node is in Endpoints alone', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  const { spec, ...others } = pod('a', 'n1');
  const free = { ...others, spec: { ...spec, nodeName: undefined } } as unknown as Pod;
  await plane.runPod(await plane.client.create(pods, free), '10.0.0.1');
  await rest(plane);
  assert.deepEqual(
    slices(plane).map((text) => text.split(' ').slice(1).join(' ')),
    [' []'],
  );
  assert.deepEqual(subsets(plane), ['web [10.0.0.1 :8080]']);
});

test('a Pod whose node is not known yet is in no endpoints until it is', async () => {
  await using plane = await serving();
  await plane.client.create(services, service('web'));
  await plane.runPod(await plane.client.create(pods, pod('a', 'n2')), '10.0.0.1');
  await rest(plane);
  assert.deepEqual(
    slices(plane).map((text) => text.split(' ').slice(1).join(' ')),
    [' []'],
  );
  await plane.addNode('n2');
  await rest(plane);
  assert.deepEqual(
    slices(plane).map((text) => text.split(' ').slice(1).join(' ')),
    ['8080 [10.0.0.1]'],
  );
  const body = { metadata: { labels: { 'topology.kubernetes.io/zone': 'z' } } };
  await plane.client.patch(nodes, { name: 'n2' }, { kind: 'merge', body });
  await rest(plane);
  assert.equal(plane.api.all<EndpointSlice>('endpointslices')[0]?.endpoints?.[0]?.zone, 'z');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints, EndpointSlice, Service } from '#api/generated/types.ts';
import { endpoints, endpointSlices, services } from '#api/resource.ts';
import { controlPlane, type ControlPlane } from './control-plane-fixture.ts';
import { type KubernetesService, startKubernetesService } from './kubernetes-service.ts';

const metadata = { namespace: 'default', name: 'kubernetes' };
const port = { name: 'https', port: 6443, protocol: 'TCP' };
const wanted = {
  service: { metadata, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] } },
  endpoints: {
    metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: '172.18.0.1' }], ports: [port] }],
  },
  endpointSlice: {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.18.0.1'], conditions: { ready: true } }],
    ports: [port],
  },
} as unknown as KubernetesService;

function shown({ api }: ControlPlane): readonly string[] {
  return [
    ...api.all<Service>('services').map(({ spec }) => `${spec.type ?? ''} ${spec.clusterIP}`),
    ...api.all<Endpoints>('endpoints').map(({ subsets }) => subsets?.[0]?.addresses?.[0]?.ip ?? ''),
    ...api.all<EndpointSlice>('endpointslices').map(({ endpoints: list = [] }) => list[0]?.addresses[0] ?? ''),
  ];
}

test('default/kubernetes is made again when it is deleted, and leads to the API server whatever is written', async () => {
  await using plane = controlPlane();
  await plane.start((context) => startKubernetesService(context, wanted));
  const whole = [' 10.96.0.1', '172.18.0.1', '172.18.0.1'];
  assert.deepEqual(shown(plane), whole);
  await plane.client.delete(services, metadata);
  await plane.client.delete(endpoints, metadata);
  await plane.client.delete(endpointSlices, metadata);
  await plane.rest();
  assert.deepEqual(shown(plane), whole);
  const body = { metadata: { labels: { mine: 'x' } }, subsets: [{ addresses: [{ ip: '10.0.0.9' }] }] };
  await plane.client.patch(endpoints, metadata, { kind: 'merge', body });
  await plane.client.patch(endpointSlices, metadata, { kind: 'merge', body: { endpoints: [] } });
  await plane.client.patch(services, metadata, { kind: 'merge', body: { spec: { type: 'NodePort' } } });
  await plane.rest();
  assert.deepEqual(shown(plane), ['NodePort 10.96.0.1', '172.18.0.1', '172.18.0.1']);
  assert.deepEqual(plane.api.all<Endpoints>('endpoints')[0]?.metadata.labels, wanted.endpoints.metadata.labels);
  const { writes } = plane.api;
  const before = writes.length;
  await plane.rest();
  assert.equal(writes.length, before);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, ResourceQuota } from '#api/generated/types.ts';
import { pods, resourceQuotas, services } from '#api/resource.ts';
import { type ControlPlane, controlPlane } from './control-plane-fixture.ts';
import { startResourceQuotaController } from './resource-quota.ts';

const HARD = {
  pods: '5',
  'count/pods': '5',
  'requests.cpu': '2',
  'limits.memory': '1Gi',
  services: '3',
  'services.nodeports': '4',
};

function quota(name: string, spec: object): ResourceQuota {
  return { metadata: { name, namespace: 'a' }, spec } as ResourceQuota;
}

function pod(name: string, resources: object = {}): Pod {
  return { metadata: { name, namespace: 'a' }, spec: { containers: [{ name: 'c', resources }] } } as unknown as Pod;
}

async function used({ client }: ControlPlane, name: string): Promise<string> {
  const { status } = await client.get(resourceQuotas, { name, namespace: 'a' });
  return Object.entries(status?.used ?? {})
    .map(([key, amount]) => `${key}=${amount}`)
    .toSorted()
    .join(' ');
}

test('a quota is counted when it is new, when it changes, and when something goes', async () => {
  await using plane = controlPlane();
  const { client } = plane;
  const web = await client.create(pods, pod('web', { requests: { cpu: '500m' }, limits: { memory: '256Mi' } }));
  await client.create(pods, pod('idle'));
  await client.create(services, {
    metadata: { name: 's', namespace: 'a' },
    spec: { type: 'NodePort', ports: [{ port: 80 }, { port: 81 }] },
  });
  await client.create(resourceQuotas, quota('all', { hard: HARD }));
  await client.create(resourceQuotas, quota('idle', { hard: { pods: '1' }, scopes: ['BestEffort'] }));
  await plane.start(startResourceQuotaController);
  assert.equal(
    await used(plane, 'all'),
    'count/pods=2 limits.memory=256Mi pods=2 requests.cpu=500m services.nodeports=2 services=1',
  );
  assert.equal(await used(plane, 'idle'), 'pods=1');

  const body = { status: { phase: 'Succeeded' } };
  await client.patch(pods, web.metadata, { kind: 'merge', body }, { subresource: 'status' });
  await plane.rest();
  assert.equal(
    await used(plane, 'all'),
    'count/pods=2 limits.memory=0 pods=1 requests.cpu=0 services.nodeports=2 services=1',
  );

  await client.delete(pods, { name: 'idle', namespace: 'a' }, { gracePeriodSeconds: 0 });
  await client.delete(services, { name: 's', namespace: 'a' });
  await plane.rest();
  assert.equal(await used(plane, 'idle'), 'pods=0');
  assert.equal(
    await used(plane, 'all'),
    'count/pods=1 limits.memory=0 pods=0 requests.cpu=0 services.nodeports=0 services=0',
  );

  const grown = { spec: { hard: { pods: '9', secrets: '1' } } };
  await client.patch(
    resourceQuotas,
    { name: 'all', namespace: 'a' },
    { kind: 'json', body: [{ op: 'replace', path: '/spec', value: grown.spec }] },
  );
  await plane.rest();
  assert.deepEqual((await client.get(resourceQuotas, { name: 'all', namespace: 'a' })).status, {
    hard: { pods: '9', secrets: '1' },
    used: { pods: '0', secrets: '0' },
  });
});

test('what somebody else says of a quota does not last', async () => {
  await using plane = controlPlane();
  const { client } = plane;
  await plane.start(startResourceQuotaController);
  const ref = { name: 'q', namespace: 'a' };
  await client.create(resourceQuotas, quota('q', { hard: { pods: '1' } }));
  await plane.rest();
  const body = { status: { hard: { pods: '9' } } };
  await client.patch(resourceQuotas, ref, { kind: 'merge', body }, { subresource: 'status' });
  await plane.rest();
  const hard = async (): Promise<unknown> => (await client.get(resourceQuotas, ref)).status?.hard;
  assert.deepEqual(await hard(), { pods: '9' });
  await plane.clock.advance(5 * 60_000);
  await plane.rest();
  assert.deepEqual(await hard(), { pods: '1' });
});

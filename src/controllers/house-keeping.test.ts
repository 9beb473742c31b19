import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, CoreEvent, Node, Pod } from '#api/generated/types.ts';
import {
  configMaps,
  persistentVolumes,
  deployments,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  serviceAccounts,
} from '#api/resource.ts';
import type { OwnerReference } from '#api/object.ts';
import { type ControlPlane, controlPlane } from './control-plane-fixture.ts';
import { startGarbageCollector } from './garbage/garbage-collector.ts';
import { startNamespaceController } from './namespace/namespace.ts';
import { startNodeLifecycleController } from './node/node-lifecycle.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import { startServiceAccountController } from './service-account.ts';

const NAMESPACE = { metadata: { name: 'd' }, spec: { finalizers: ['kubernetes'] } };

function everything(plane: ControlPlane): string[] {
  const plurals = ['namespaces', 'deployments', 'replicasets', 'pods', 'configmaps', 'serviceaccounts'];
  return plurals.flatMap((plural) => plane.api.all(plural).map(({ metadata }) => `${plural}/${metadata.name}`));
}

/** A Deployment `top` that owns the ReplicaSet `mid` that owns the Pod `leaf`. */
async function family(plane: ControlPlane): Promise<void> {
  const owned = (owner: { kind: string; metadata: { name: string; uid: string } }, name: string): object => ({
    metadata: {
      namespace: 'd',
      name,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
  });
  const top = await plane.client.create(deployments, { metadata: { namespace: 'd', name: 'top' } });
  const mid = await plane.client.create(replicaSets, owned(top, 'mid') as never);
  await plane.client.create(pods, owned(mid, 'leaf') as never);
  await plane.rest();
}

async function collecting(): Promise<ControlPlane> {
  const plane = controlPlane();
  void startGarbageCollector(plane.context);
  await plane.start();
  return plane;
}

const policies = [
  { policy: 'Background', left: [] },
  { policy: 'Foreground', left: [] },
  { policy: 'Orphan', left: ['replicasets/mid', 'pods/leaf'] },
] as const;

for (const { policy, left } of policies) {
  test(`garbage collection after a ${policy} delete leaves ${left.length === 0 ? 'nothing' : left.join(', ')}`, async () => {
    await using plane = await collecting();
    await family(plane);
    await plane.client.delete(deployments, { namespace: 'd', name: 'top' }, { propagationPolicy: policy });
    await plane.rest();
    assert.deepEqual(everything(plane), left);
    const [orphan] = plane.api.all('replicasets');
    assert.deepEqual(orphan?.metadata.ownerReferences ?? [], []);
  });
}

test('garbage collection takes what refers to an owner that never was, and spares what has another', async () => {
  await using plane = await collecting();
  const owner = await plane.client.create(configMaps, { metadata: { namespace: 'd', name: 'owner' } });
  const ghost = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'none' };
  const real = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
  await plane.client.create(configMaps, { metadata: { namespace: 'd', name: 'lost', ownerReferences: [ghost] } });
  await plane.client.create(configMaps, { metadata: { namespace: 'd', name: 'kept', ownerReferences: [ghost, real] } });
  await plane.rest();
  assert.deepEqual(everything(plane), ['configmaps/kept', 'configmaps/owner']);
  assert.deepEqual((await plane.client.get(configMaps, { namespace: 'd', name: 'kept' })).metadata.ownerReferences, [
    real,
  ]);
});

test('garbage collection spares what is in no namespace and refers to an owner that is in one', async () => {
  await using plane = await collecting();
  const owner = await plane.client.create(configMaps, { metadata: { namespace: 'd', name: 'owner' } });
  const wrong = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
  const ghost = { ...wrong, name: 'ghost', uid: 'none' };
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
  await plane.client.create(persistentVolumes, { metadata: { name: 'a', ownerReferences: [wrong] }, spec });
  await plane.client.create(persistentVolumes, { metadata: { name: 'b', ownerReferences: [ghost] }, spec });
  await plane.client.create(configMaps, { metadata: { namespace: 'e', name: 'far', ownerReferences: [wrong] } });
  await plane.rest();
  const left = (): readonly string[] =>
    [...plane.api.all('persistentvolumes'), ...plane.api.all('configmaps')].map(({ metadata }) => metadata.name).sort();
  assert.deepEqual(left(), ['a', 'b', 'owner']);
  const told = plane.api
    .all<CoreEvent>('events')
    .map(({ involvedObject, reason }) => `${involvedObject.name} ${reason}`);
  assert.deepEqual(
    told.sort(),
    ['a', 'b', 'far'].map((name) => `${name} OwnerRefInvalidNamespace`),
  );
  await plane.client.delete(configMaps, { namespace: 'd', name: 'owner' });
  await plane.rest();
  assert.deepEqual(left(), ['a', 'b']);
});

test('garbage collection lets an owner go once the last that it waits for is left to another owner', async () => {
  await using plane = await collecting();
  const make = (name: string, ownerReferences: readonly OwnerReference[] = []): Promise<ConfigMap> =>
    plane.client.create(configMaps, { metadata: { namespace: 'd', name, ownerReferences } });
  const referTo = ({ metadata: { name, uid } }: ConfigMap): OwnerReference => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name,
    uid,
    blockOwnerDeletion: true,
  });
  const [goes, stays] = [await make('goes'), await make('stays')];
  await make('shared', [referTo(goes), referTo(stays)]);
  await plane.client.delete(configMaps, { namespace: 'd', name: 'goes' }, { propagationPolicy: 'Foreground' });
  await plane.rest();
  assert.deepEqual(everything(plane), ['configmaps/shared', 'configmaps/stays']);
});

test('garbage collection takes a ring of owners, each of which is to go before the next', async () => {
  await using plane = await collecting();
  const names = ['a', 'b', 'c'];
  const made = await Promise.all(
    names.map((name) => plane.client.create(configMaps, { metadata: { namespace: 'd', name } })),
  );
  for (const [i, name] of names.entries()) {
    const { metadata } = made[(i + names.length - 1) % names.length] ?? {};
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: metadata?.name, uid: metadata?.uid };
    const body = { metadata: { ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }] } };
    await plane.client.patch(configMaps, { namespace: 'd', name }, { kind: 'merge', body });
  }
  await plane.client.delete(configMaps, { namespace: 'd', name: 'a' }, { propagationPolicy: 'Foreground' });
  await plane.rest();
  assert.deepEqual(everything(plane), []);
});

test('a deleted namespace is emptied, Pods first, and goes when the last of them is gone', async () => {
  await using plane = controlPlane();
  await plane.start(startNamespaceController);
  await plane.client.create(namespaces, NAMESPACE);
  const spec = { nodeName: 'n', containers: [] };
  const pod = await plane.client.create(pods, { metadata: { namespace: 'd', name: 'p' }, spec });
  await plane.client.create(configMaps, { metadata: { namespace: 'd', name: 'm' } });
  await plane.client.create(configMaps, { metadata: { namespace: 'other', name: 'm' } });
  await plane.client.delete(namespaces, { name: 'd' });
  await plane.rest();
  assert.deepEqual(everything(plane), ['namespaces/d', 'pods/p', 'configmaps/m', 'configmaps/m']);
  const [found] = plane.api.all<{ status: { conditions: { type: string; status: string; message: string }[] } } & Pod>(
    'namespaces',
  );
  const remaining = found?.status.conditions.filter(({ status }) => status === 'True').map(({ message }) => message);
  assert.deepEqual(remaining, ['Some resources are remaining: pods. has 1 resource instances']);
  await plane.finishPod(pod);
  await plane.rest();
  await plane.clock.advance(1000);
  assert.deepEqual(everything(plane), ['configmaps/m']);
});

test('every namespace gets its ServiceAccount and root certificate, and gets them back', async () => {
  await using plane = controlPlane();
  await plane.start((context) => startServiceAccountController(context, 'PEM'));
  await plane.client.create(namespaces, NAMESPACE);
  await plane.rest();
  const all = ['namespaces/d', 'configmaps/kube-root-ca.crt', 'serviceaccounts/default'];
  assert.deepEqual(everything(plane), all);
  await plane.client.delete(serviceAccounts, { namespace: 'd', name: 'default' });
  await plane.client.delete(configMaps, { namespace: 'd', name: 'kube-root-ca.crt' });
  await plane.rest();
  assert.deepEqual(everything(plane), all);
  const ref = { namespace: 'd', name: 'kube-root-ca.crt' };
  await plane.client.patch(configMaps, ref, { kind: 'merge', body: { data: { 'ca.crt': 'forged' } } });
  await plane.rest();
  assert.deepEqual(plane.api.all<ConfigMap>('configmaps')[0]?.data, { 'ca.crt': 'PEM' });
});

function health(plane: ControlPlane): string {
  const [node] = plane.api.all<Node>('nodes');
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  const taints = (node?.spec.taints ?? []).map(
    ({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`,
  );
  return `${ready?.status} ${taints.join()}`;
}

test('a node whose lease is not renewed becomes Unknown, its Pods not ready, and comes back when it is heard of', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  const spec = { nodeName: 'n1', containers: [] };
  await plane.runPod(await plane.client.create(pods, { metadata: { namespace: 'd', name: 'p' }, spec }), '10.0.0.1');
  await plane.start(startNodeLifecycleController);
  const renew = (): unknown => {
    const renewTime = new Date(plane.clock.now()).toISOString();
    const ref = { namespace: 'kube-node-lease', name: 'n1' };
    return plane.client
      .patch(leases, ref, { kind: 'merge', body: { spec: { renewTime } } })
      .catch(() => plane.client.create(leases, { metadata: ref, spec: { renewTime } }));
  };
  for (let i = 0; i < 12; i++) {
    await renew();
    await plane.clock.advance(10_000);
  }
  await plane.rest();
  assert.equal(health(plane), 'True ');
  await plane.clock.advance(45_000);
  await plane.rest();
  assert.equal(health(plane), 'Unknown unreachable:NoSchedule,unreachable:NoExecute');
  assert.equal(plane.pods()[0]?.status?.conditions?.[0]?.status, 'False');
  await renew();
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  await plane.client.patch(nodes, { name: 'n1' }, { kind: 'merge', body: { status } }, { subresource: 'status' });
  await plane.rest();
  assert.equal(health(plane), 'True ');
});

function bindings(plane: ControlPlane): string[] {
  return plane.pods().map(({ metadata, spec }) => `${metadata.name}:${spec.nodeName ?? '-'}`);
}

test('the scheduler fills nodes by what is left, says why a Pod waits, and tries again when something gives way', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.addNode('n2');
  await plane.start(startScheduler);
  const want = (name: string, cpu: string): unknown =>
    plane.client.create(pods, {
      metadata: { namespace: 'd', name },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
    });
  for (const name of ['a', 'b', 'c']) await want(name, '3');
  await plane.rest();
  assert.deepEqual(bindings(plane), ['a:n1', 'b:n2', 'c:-']);
  const events = plane.api.all<CoreEvent>('events').filter(({ reason }) => reason === 'FailedScheduling');
  assert.deepEqual(
    events.map(({ message }) => message),
    [
      '0/2 nodes are available: 2 Insufficient cpu. ' +
        'no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    ],
  );
  await plane.client.delete(pods, { namespace: 'd', name: 'a' }, { gracePeriodSeconds: 0 });
  await plane.rest();
  assert.deepEqual(bindings(plane), ['b:n2', 'c:n1']);
  await want('d', '3');
  await plane.rest();
  await plane.addNode('n3');
  await plane.rest();
  assert.deepEqual(bindings(plane), ['b:n2', 'c:n1', 'd:n3']);
});

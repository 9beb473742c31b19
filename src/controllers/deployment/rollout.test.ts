import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Deployment, EndpointSlice, Pod, ReplicaSet } from '#api/generated/types.ts';
import { deployments, replicaSets, services } from '#api/resource.ts';
import { startDeploymentController } from './deployment.ts';
import { startEndpointSliceController } from '../endpoints/endpoint-slice.ts';
import { startReplicaSetController } from '../replica-set/replica-set.ts';
import { startScheduler } from '../scheduler/scheduler.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';

const ALL = [startDeploymentController, startReplicaSetController, startScheduler, startEndpointSliceController];

function web(replicas: number, image: string, extra: object = {}): Deployment {
  return {
    metadata: { namespace: 'd', name: 'web' },
    spec: {
      replicas,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
      ...extra,
    },
  } as unknown as Deployment;
}

function sets(plane: ControlPlane): string[] {
  return plane.api
    .all<ReplicaSet>('replicasets')
    .map(({ metadata, spec, status }) => {
      const image = spec.template?.spec?.containers[0]?.image;
      const revision = metadata.annotations?.['deployment.kubernetes.io/revision'];
      return `${image} rev=${revision} want=${spec.replicas} ready=${status?.readyReplicas ?? 0}`;
    })
    .sort();
}

function status(plane: ControlPlane): object | undefined {
  const [deployment] = plane.api.all<Deployment>('deployments');
  const { conditions, ...counts } = deployment?.status ?? {};
  return { ...counts, conditions: conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`) };
}

function addresses(plane: ControlPlane): string[] {
  return plane.api
    .all<EndpointSlice>('endpointslices')
    .flatMap(({ endpoints }) =>
      (endpoints ?? []).map((endpoint) => `${endpoint.addresses[0]} ${endpoint.conditions?.ready}`),
    )
    .sort();
}

test('a Deployment becomes Pods on nodes and endpoints of its Service, and rolls over to a new template and back', async () => {
  await using plane = controlPlane();
  for (const name of ['n1', 'n2']) await plane.addNode(name);
  await plane.start(...ALL);
  const service = { ports: [{ port: 80 }], selector: { app: 'web' }, clusterIP: '10.96.0.20' };
  await plane.client.create(services, { metadata: { namespace: 'd', name: 'web' }, spec: service });
  await plane.client.create(deployments, web(4, 'one'));
  await plane.converge();
  assert.deepEqual(sets(plane), ['one rev=1 want=4 ready=4']);
  assert.deepEqual(addresses(plane), ['10.0.0.1 true', '10.0.0.2 true', '10.0.0.3 true', '10.0.0.4 true']);
  assert.deepEqual(status(plane), {
    observedGeneration: 1,
    replicas: 4,
    updatedReplicas: 4,
    readyReplicas: 4,
    availableReplicas: 4,
    conditions: ['Available=True MinimumReplicasAvailable', 'Progressing=True NewReplicaSetAvailable'],
  });
  assert.deepEqual(
    plane
      .pods()
      .map((pod) => pod.spec.nodeName)
      .sort(),
    ['n1', 'n1', 'n2', 'n2'],
  );
  const ref = { namespace: 'd', name: 'web' };
  await plane.client.update(deployments, { ...(await plane.client.get(deployments, ref)), spec: web(4, 'two').spec });
  await plane.rest();
  // One more than wanted, and one fewer of the old: a quarter each way.
  assert.deepEqual(sets(plane), ['one rev=1 want=3 ready=3', 'two rev=2 want=2 ready=0']);
  await plane.converge();
  assert.deepEqual(sets(plane), ['one rev=1 want=0 ready=0', 'two rev=2 want=4 ready=4']);
  await plane.client.update(deployments, { ...(await plane.client.get(deployments, ref)), spec: web(4, 'one').spec });
  await plane.converge();
  assert.deepEqual(sets(plane), ['one rev=3 want=4 ready=4', 'two rev=2 want=0 ready=0']);
  await plane.client.update(deployments, { ...(await plane.client.get(deployments, ref)), spec: web(2, 'three').spec });
  await plane.converge();
  // The history limit of 1 keeps the last revision only.
  assert.deepEqual(sets(plane), ['one rev=3 want=0 ready=0', 'three rev=4 want=2 ready=2']);
  assert.equal(addresses(plane).length, 2);
});

test('a Deployment at rest writes nothing', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(deployments, web(3, 'one'));
  await plane.converge();
  plane.api.writes.length = 0;
  plane.api.disconnect();
  await plane.rest();
  await plane.clock.advance(3_600_000);
  await plane.rest();
  assert.deepEqual(plane.api.writes, []);
});

test('a Recreate Deployment has no old Pod beside a new one', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  const recreate = { strategy: { type: 'Recreate' } };
  await plane.client.create(deployments, web(2, 'one', recreate));
  await plane.converge();
  const ref = { namespace: 'd', name: 'web' };
  const current = await plane.client.get(deployments, ref);
  await plane.client.update(deployments, { ...current, spec: web(2, 'two', recreate).spec });
  await plane.rest();
  assert.deepEqual(sets(plane), ['one rev=1 want=0 ready=0']);
  const images = (pods: readonly Pod[]): unknown => pods.map(({ spec }) => spec.containers[0]?.image);
  const [first, second] = plane.pods();
  await plane.finishPod(first as Pod);
  await plane.rest();
  assert.deepEqual(images(plane.pods()), ['one']);
  await plane.finishPod(second as Pod);
  await plane.rest();
  assert.deepEqual(images(plane.pods()), ['two', 'two']);
});

test('a paused Deployment takes a new size and no new template', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(deployments, web(2, 'one'));
  await plane.converge();
  const ref = { namespace: 'd', name: 'web' };
  const body = { spec: { ...web(3, 'two').spec, paused: true } };
  await plane.client.patch(deployments, ref, { kind: 'merge', body });
  await plane.converge();
  assert.deepEqual(sets(plane), ['one rev=1 want=3 ready=3']);
  await plane.client.patch(deployments, ref, { kind: 'merge', body: { spec: { paused: false } } });
  await plane.converge();
  assert.deepEqual(sets(plane), ['one rev=1 want=0 ready=0', 'two rev=2 want=3 ready=3']);
});

test('a rollout that does not move misses its deadline', async () => {
  await using plane = controlPlane();
  await plane.start(...ALL);
  await plane.client.create(deployments, web(1, 'one'));
  await plane.rest();
  await plane.clock.advance(602_000);
  await plane.rest();
  assert.deepEqual(status(plane), {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    unavailableReplicas: 1,
    conditions: ['Available=False MinimumReplicasUnavailable', 'Progressing=False ProgressDeadlineExceeded'],
  });
});

test('a rollout back has a deadline of its own', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  const take = async (image: string): Promise<void> => {
    const body = { spec: web(1, image).spec };
    await plane.client.patch(deployments, { namespace: 'd', name: 'web' }, { kind: 'merge', body });
    await plane.rest();
  };
  const conditions = (): unknown =>
    plane.api.all<Deployment>('deployments')[0]?.status?.conditions?.map(({ reason }) => reason);
  await plane.client.create(deployments, web(1, 'one'));
  await plane.converge();
  await take('two');
  await plane.converge();
  await take('three');
  await plane.clock.advance(602_000);
  await plane.rest();
  assert.deepEqual(conditions(), ['MinimumReplicasAvailable', 'ProgressDeadlineExceeded']);
  // What `kubectl rollout status` may see: the first status of the new generation tells of the new rollout already.
  const written: unknown[] = [];
  plane.api.intercept = ({ path, body }) => {
    const { status: next } = (body ?? {}) as Partial<Deployment>;
    if (path.endsWith('/deployments/web/status') && next !== undefined) written.push(next.conditions?.at(-1)?.reason);
    return undefined;
  };
  await take('one');
  assert.equal(written[0], 'FoundNewReplicaSet');
  await plane.converge();
  assert.deepEqual(conditions(), ['MinimumReplicasAvailable', 'NewReplicaSetAvailable']);
});

test('a rollout says what it does in events', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  await plane.start(...ALL);
  await plane.client.create(deployments, web(1, 'one'));
  await plane.converge();
  const events = plane.api.all<CoreEvent>('events').map(({ involvedObject, reason, message }) => {
    const text = (message ?? '').replace(/web-[a-z0-9]+-[a-z0-9]+/g, 'POD').replace(/web-[a-z0-9]+/g, 'SET');
    return `${involvedObject.kind} ${reason}: ${text}`;
  });
  assert.deepEqual(events.sort(), [
    'Deployment ScalingReplicaSet: Scaled up replica set SET from 0 to 1',
    'Pod Scheduled: Successfully assigned d/POD to n1',
    'ReplicaSet SuccessfulCreate: Created pod: POD',
  ]);
});

test('a Deployment counts its revisions on from any number of 64 bits', async () => {
  await using plane = controlPlane();
  await plane.addNode('n1');
  const labels = { app: 'web' };
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'zero' }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  await plane.client.create(replicaSets, { metadata: { namespace: 'd', name: 'stray', labels, annotations }, spec });
  await plane.start(...ALL);
  await plane.client.create(deployments, web(1, 'one'));
  await plane.converge();
  const [made] = plane.api.all<Deployment>('deployments');
  assert.equal(made?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3546343826724305833');
});

test('an old Pod goes first where a new one is', async () => {
  await using plane = controlPlane();
  for (const name of ['n1', 'n2', 'n3']) await plane.addNode(name);
  await plane.start(...ALL);
  const few = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };
  await plane.client.create(deployments, web(3, 'one', few));
  await plane.converge();
  const ref = { namespace: 'd', name: 'web' };
  const current = await plane.client.get(deployments, ref);
  await plane.client.update(deployments, { ...current, spec: web(3, 'two', few).spec });
  await plane.rest();
  const fresh = plane.pods().filter(({ spec }) => spec.containers[0]?.image === 'two');
  assert.equal(fresh.length, 1);
  for (const pod of fresh) await plane.runPod(pod, '10.0.0.99');
  await plane.rest();
  const leaving = plane.pods().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  assert.deepEqual(
    leaving.map(({ spec }) => spec.nodeName),
    fresh.map(({ spec }) => spec.nodeName),
  );
});

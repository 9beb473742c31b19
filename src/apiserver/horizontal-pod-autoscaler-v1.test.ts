import assert from 'node:assert/strict';
import test from 'node:test';
import { bodyOf, outcome, TestServer } from './testing/test-server.ts';

const V1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
const V2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const cpu = (averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

interface Shown {
  readonly apiVersion: string;
  readonly metadata: { readonly annotations?: object };
  readonly spec: object;
}

test('both versions of a scaler show one object', async () => {
  await using server = await TestServer.start();
  const shown = async (path: string): Promise<unknown[]> => {
    const { apiVersion, metadata, spec } = bodyOf<Shown>(await server.get(path));
    return [apiVersion, metadata.annotations, spec];
  };
  const made = await server.post(V1, { metadata: { name: 'a' }, spec: { scaleTargetRef, maxReplicas: 3 } });
  assert.equal(outcome(made), '201');
  const ends = { scaleTargetRef, minReplicas: 1, maxReplicas: 3 };
  assert.deepEqual(await shown(`${V1}/a`), [
    'autoscaling/v1',
    undefined,
    { ...ends, targetCPUUtilizationPercentage: 80 },
  ]);
  assert.deepEqual(await shown(`${V2}/a`), ['autoscaling/v2', undefined, { ...ends, metrics: [cpu(80)] }]);
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 50 } },
  };
  await server.patch(`${V2}/a`, 'merge', { spec: { metrics: [cpu(70), memory] } });
  assert.deepEqual(await shown(`${V1}/a`), [
    'autoscaling/v1',
    { 'autoscaling.alpha.kubernetes.io/metrics': JSON.stringify([memory]) },
    { ...ends, targetCPUUtilizationPercentage: 70 },
  ]);
  assert.equal(outcome(await server.patch(`${V1}/a`, 'strategic-merge', { spec: { maxReplicas: 5 } })), '200');
  assert.deepEqual(await shown(`${V2}/a`), [
    'autoscaling/v2',
    undefined,
    { ...ends, maxReplicas: 5, metrics: [cpu(70), memory] },
  ]);
  assert.equal(
    outcome(await server.patch(`${V1}/a`, 'merge', { spec: { maxReplicas: 0 } })),
    '422 Invalid: HorizontalPodAutoscaler.autoscaling "a" is invalid: [spec.maxReplicas: Invalid value: 0: must be greater than 0, spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`]',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec, ResourceRequirements } from '#api/generated/types.ts';
import { oomScoreAdjust } from './oom-score.ts';

const GiB = 2 ** 30;
const container = (resources: ResourceRequirements, more: Partial<Container> = {}): Container => ({
  name: 'c',
  resources,
  ...more,
});
const whole = { cpu: '1', memory: '1Gi' };

const cases: readonly (readonly [name: string, spec: Partial<PodSpec>, score: number])[] = [
  ['that asks for nothing', { containers: [container({})] }, 1000],
  ['that has all that it may have', { containers: [container({ limits: whole, requests: whole })] }, -997],
  ['that nodes cannot do without', { containers: [container({})], priority: 2_000_001_000 }, -997],
  ['that asks for a tenth of the memory', { containers: [container({ requests: { memory: '1Gi' } })] }, 900],
  ['that asks for CPU only', { containers: [container({ requests: { cpu: '1' } })] }, 999],
  ['that asks for all of the memory', { containers: [container({ requests: { memory: '10Gi' } })] }, 3],
];
for (const [name, spec, score] of cases) {
  test(`oomScoreAdjust() of a Pod ${name}`, () => {
    const pod = { metadata: { name: 'p' }, spec } as unknown as Pod;
    assert.equal(oomScoreAdjust(pod, spec.containers?.[0] ?? container({}), 10 * GiB), score);
  });
}

test('oomScoreAdjust() of a sidecar is no higher than that of whom it serves', () => {
  const sidecar = container({}, { name: 's', restartPolicy: 'Always' });
  const spec = { containers: [container({ requests: { memory: '2Gi' } })], initContainers: [sidecar] };
  assert.equal(oomScoreAdjust({ metadata: { name: 'p' }, spec } as unknown as Pod, sidecar, 10 * GiB), 800);
});

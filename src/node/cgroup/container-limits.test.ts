import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceRequirements } from '#api/generated/types.ts';
import { cgroupSettings, containerLimits } from './container-limits.ts';

function format(version: 'v1' | 'v2', resources: ResourceRequirements): string {
  return cgroupSettings(version, containerLimits(resources))
    .map(({ file, value, optional }) => `${file}=${value}${optional === true ? '?' : ''}`)
    .join(' ');
}

const cases: readonly { name: string; resources: ResourceRequirements; v1: string; v2: string }[] = [
  {
    name: 'nothing asked for',
    resources: {},
    v1: 'cpu.shares=2 pids.max=16384',
    v2: 'cpu.weight=1 pids.max=16384',
  },
  {
    name: 'a request of CPU only',
    resources: { requests: { cpu: '250m', memory: '1Gi' } },
    v1: 'cpu.shares=256 pids.max=16384',
    v2: 'cpu.weight=10 pids.max=16384',
  },
  {
    name: 'limits, which are requests where there is none',
    resources: { limits: { cpu: '1500m', memory: '64Mi' } },
    v1:
      'cpu.shares=1536 cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000 memory.limit_in_bytes=67108864 ' +
      'memory.memsw.limit_in_bytes=67108864? pids.max=16384',
    v2: 'cpu.weight=59 cpu.max=150000 100000 memory.max=67108864 memory.swap.max=0? memory.oom.group=1? pids.max=16384',
  },
  {
    name: 'less CPU than the kernel can count',
    resources: { limits: { cpu: '1m' } },
    v1: 'cpu.shares=2 cpu.cfs_period_us=100000 cpu.cfs_quota_us=1000 pids.max=16384',
    v2: 'cpu.weight=1 cpu.max=1000 100000 pids.max=16384',
  },
];

for (const { name, resources, v1, v2 } of cases) {
  test(`cgroupSettings() with ${name}`, () => {
    assert.deepEqual([format('v1', resources), format('v2', resources)], [v1, v2]);
  });
}

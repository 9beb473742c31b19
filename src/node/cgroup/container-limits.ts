import type { ResourceRequirements } from '#api/generated/types.ts';
import { quantityMillis, quantityValue } from '#api/quantity.ts';
import type { Controller } from './cgroup-layout.ts';

/** What a container may use, in the kernel's terms. */
export interface ContainerLimits {
  /** Its part when the processors are busy, against 1024 for one whole processor. */
  readonly cpuShares: number;
  /** Thousandths of a processor; undefined: as many as there are. */
  readonly cpuMillis: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Processes and threads. */
  readonly pids: number;
}

/** Nobody asks for this one in a manifest: it keeps a program that only forks from taking the machine with it. */
const MAX_PIDS = 16_384;

export function containerLimits({ limits = {}, requests = {} }: ResourceRequirements = {}): ContainerLimits {
  const request = requests['cpu'] ?? limits['cpu'];
  const cpu = limits['cpu'];
  const memory = limits['memory'];
  return {
    cpuShares: request === undefined ? MIN_SHARES : sharesOf(quantityMillis(request)),
    cpuMillis: cpu === undefined ? undefined : quantityMillis(cpu),
    memoryBytes: memory === undefined ? undefined : quantityValue(memory),
    pids: MAX_PIDS,
  };
}

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

function sharesOf(millis: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((millis * 1024) / 1000)));
}

/** A file of a container's group, and what to write into it. */
export interface CgroupSetting {
  readonly controller: Controller;
  readonly file: string;
  readonly value: string;
  /** Not in every kernel. */
  readonly optional?: boolean;
}

const PERIOD_US = 100_000;
/** The kernel refuses less. */
const MIN_QUOTA_US = 1000;

export function cgroupSettings(version: 'v1' | 'v2', limits: ContainerLimits): readonly CgroupSetting[] {
  return version === 'v1' ? settingsV1(limits) : settingsV2(limits);
}

function settingsV1({ cpuShares, cpuMillis, memoryBytes, pids }: ContainerLimits): readonly CgroupSetting[] {
  return [
    { controller: 'cpu', file: 'cpu.shares', value: String(cpuShares) },
    ...(cpuMillis === undefined
      ? []
      : ([
          { controller: 'cpu', file: 'cpu.cfs_period_us', value: String(PERIOD_US) },
          { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(quotaOf(cpuMillis)) },
        ] as const)),
    ...(memoryBytes === undefined
      ? []
      : ([
          { controller: 'memory', file: 'memory.limit_in_bytes', value: String(memoryBytes) },
          // With swap: what does not fit is not to be hidden there.
          { controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: String(memoryBytes), optional: true },
        ] as const)),
    { controller: 'pids', file: 'pids.max', value: String(pids) },
  ];
}

function settingsV2({ cpuShares, cpuMillis, memoryBytes, pids }: ContainerLimits): readonly CgroupSetting[] {
  // KEP-2254: from 2..262144 to 1..10000.
  const weight = 1 + Math.floor(((cpuShares - MIN_SHARES) * 9999) / (MAX_SHARES - MIN_SHARES));
  return [
    { controller: 'cpu', file: 'cpu.weight', value: String(weight) },
    ...(cpuMillis === undefined
      ? []
      : ([{ controller: 'cpu', file: 'cpu.max', value: `${quotaOf(cpuMillis)} ${PERIOD_US}` }] as const)),
    ...(memoryBytes === undefined
      ? []
      : ([
          { controller: 'memory', file: 'memory.max', value: String(memoryBytes) },
          { controller: 'memory', file: 'memory.swap.max', value: '0', optional: true },
          // A container without one of its processes is no longer what its image meant.
          { controller: 'memory', file: 'memory.oom.group', value: '1', optional: true },
        ] as const)),
    { controller: 'pids', file: 'pids.max', value: String(pids) },
  ];
}

function quotaOf(millis: number): number {
  return Math.max(MIN_QUOTA_US, Math.floor((millis * PERIOD_US) / 1000));
}

import { rfc3339 } from '#base/clock.ts';
import type { Usage } from '../cgroup/usage.ts';
import type { CpuRates } from './cpu-rates.ts';
import type { PodMeasure } from './pod-measure.ts';

/** What `/stats/summary` of a kubelet answers (k8s.io/kubelet/pkg/apis/stats/v1alpha1), as far as we count it. */
export interface StatsSummary {
  readonly node: {
    readonly nodeName: string;
    readonly startTime: string;
    readonly cpu: CpuStats;
    readonly memory: MemoryStats;
  };
  readonly pods: readonly PodStats[];
}

interface CpuStats {
  readonly time: string;
  readonly usageNanoCores: number;
  readonly usageCoreNanoSeconds: number;
}

interface MemoryStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
}

interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime: string;
  readonly containers: readonly {
    readonly name: string;
    readonly startTime: string;
    readonly cpu: CpuStats;
    readonly memory: MemoryStats;
  }[];
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
  readonly network?: object;
  readonly process_stats: { readonly process_count: number };
}

export interface SummaryInput {
  readonly nodeName: string;
  readonly startedAt: number;
  readonly now: number;
  readonly capacityBytes: number;
  readonly pods: readonly PodMeasure[];
  readonly rates: CpuRates;
}

/** A node of ours is a part of a machine: it uses what its Pods use. */
export function statsSummary({ nodeName, startedAt, now, capacityBytes, pods, rates }: SummaryInput): StatsSummary {
  const time = rfc3339(now);
  const podStats = pods.map((pod) => statsOf(pod, time, rates));
  const memory = memoryStats(sum(pods.flatMap(({ containers }) => containers.map(({ usage }) => usage))), time);
  return {
    node: {
      nodeName,
      startTime: rfc3339(startedAt),
      cpu: addCpu(
        podStats.map(({ cpu }) => cpu),
        time,
      ),
      memory: { ...memory, availableBytes: Math.max(0, capacityBytes - memory.workingSetBytes) },
    },
    pods: podStats,
  };
}

function statsOf(pod: PodMeasure, time: string, rates: CpuRates): PodStats {
  const containers = pod.containers.map(({ name, id, startedAt, usage }) => ({
    name,
    startTime: rfc3339(startedAt),
    cpu: { time, usageNanoCores: rates.of(id), usageCoreNanoSeconds: usage.cpuNanoseconds },
    memory: memoryStats(usage, time),
  }));
  const total = sum(pod.containers.map(({ usage }) => usage));
  const { traffic } = pod;
  return {
    podRef: { name: pod.pod, namespace: pod.namespace, uid: pod.podUid },
    startTime: rfc3339(pod.startedAt),
    containers,
    cpu: addCpu(
      containers.map(({ cpu }) => cpu),
      time,
    ),
    memory: memoryStats(total, time),
    ...(traffic === undefined
      ? {}
      : { network: { time, name: 'eth0', ...traffic, interfaces: [{ name: 'eth0', ...traffic }] } }),
    process_stats: { process_count: total.processes },
  };
}

function addCpu(parts: readonly CpuStats[], time: string): CpuStats {
  return {
    time,
    usageNanoCores: parts.reduce((total, { usageNanoCores }) => total + usageNanoCores, 0),
    usageCoreNanoSeconds: parts.reduce((total, { usageCoreNanoSeconds }) => total + usageCoreNanoSeconds, 0),
  };
}

function memoryStats({ memoryBytes, workingSetBytes, rssBytes }: Usage, time: string): MemoryStats {
  return { time, usageBytes: memoryBytes, workingSetBytes, rssBytes };
}

function sum(usages: readonly Usage[]): Usage {
  const add = (key: keyof Usage): number => usages.reduce((total, usage) => total + usage[key], 0);
  return {
    cpuNanoseconds: add('cpuNanoseconds'),
    memoryBytes: add('memoryBytes'),
    workingSetBytes: add('workingSetBytes'),
    rssBytes: add('rssBytes'),
    processes: add('processes'),
  };
}

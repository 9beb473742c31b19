import type { Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';

/** What a Pod's containers used at one time. */
export interface UsageSample {
  readonly at: number;
  readonly containers: readonly {
    readonly name: string;
    readonly cpuNanoCores: number;
    readonly memoryBytes: number;
  }[];
}

/** One amount of one Pod, in thousandths. */
export interface PodMetric {
  readonly value: number;
  readonly at: number;
}

/** By the name of the Pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** Throws, in upstream's words, where there is nothing to calculate with. */
export function metricsOf(
  pods: readonly Pod[],
  samples: ReadonlyMap<string, UsageSample>,
  resource: string,
  container?: string,
): PodMetrics {
  const metrics = new Map<string, PodMetric>();
  for (const pod of pods) {
    const sample = samples.get(objectKey(pod));
    if (sample === undefined || sample.containers.length === 0) continue;
    const counted = sample.containers.filter(({ name }) => container === undefined || name === container);
    if (counted.length === 0) {
      throw new Error(`container ${container} not present in metrics for pod ${objectKey(pod)}`);
    }
    const value = counted.reduce(
      (sum, { cpuNanoCores, memoryBytes }) =>
        sum + (resource === 'cpu' ? Math.ceil(cpuNanoCores / 1e6) : memoryBytes * 1000),
      0,
    );
    metrics.set(pod.metadata.name, { value, at: sample.at });
  }
  if (metrics.size === 0) {
    throw new Error(`unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`);
  }
  return metrics;
}

interface SummaryPod {
  readonly podRef: { readonly namespace: string; readonly name: string };
  readonly containers?: readonly {
    readonly name: string;
    readonly cpu?: { readonly time?: string; readonly usageNanoCores?: number };
    readonly memory?: { readonly workingSetBytes?: number };
  }[];
}

/** What a node's `/stats/summary` says of its Pods, by their keys. */
export function samplesOf(summary: unknown, now: number): ReadonlyMap<string, UsageSample> {
  const { pods = [] } = summary as { readonly pods?: readonly SummaryPod[] };
  return new Map(
    pods.map(({ podRef, containers = [] }) => {
      const times = containers.map(({ cpu }) => Date.parse(cpu?.time ?? '')).filter((time) => !Number.isNaN(time));
      const sample: UsageSample = {
        at: times.length === 0 ? now : Math.min(...times),
        containers: containers.map(({ name, cpu, memory }) => ({
          name,
          cpuNanoCores: cpu?.usageNanoCores ?? 0,
          memoryBytes: memory?.workingSetBytes ?? 0,
        })),
      };
      return [`${podRef.namespace}/${podRef.name}`, sample];
    }),
  );
}

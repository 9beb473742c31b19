import type { Pod } from '#api/generated/types.ts';
import { demandOf } from '#api/pod/demand.ts';
import { quantityValue } from '#api/quantity.ts';
import { type Shortage, formatBytes } from './disk-threshold.ts';

/** A Pod that runs, and what it keeps on the disk. */
export interface PodDiskUse {
  readonly pod: Pod;
  /** With its volumes. */
  readonly bytes: number;
  readonly inodes: number;
  readonly containers: readonly { readonly name: string; readonly bytes: number }[];
}

/** scheduling.SystemCriticalPriority */
const SYSTEM_CRITICAL = 2_000_000_000;

/** Let in, and left alone, whatever the node is short of. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const isStatic = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  return isStatic || (spec.priority ?? 0) >= SYSTEM_CRITICAL;
}

/**
 * Who goes first: Pods that use more of what is short than they asked for, of these the less important ones, of these who
 * uses most beyond it. Nobody can ask for inodes. Models rankDiskPressureFunc of eviction/helpers.go of v1.34.
 */
export function rankForEviction<T extends PodDiskUse>(
  pods: readonly T[],
  resource: Shortage['resource'],
): readonly T[] {
  const beyond = ({ pod, bytes, inodes }: T): number =>
    resource === 'inodes' ? inodes : bytes - (demandOf(pod).others.get(resource) ?? 0);
  return pods
    .filter(({ pod }) => !isCritical(pod))
    .map((one) => ({ one, excess: beyond(one), priority: one.pod.spec.priority ?? 0 }))
    .toSorted((a, b) => Number(b.excess > 0) - Number(a.excess > 0) || a.priority - b.priority || b.excess - a.excess)
    .map(({ one }) => one);
}

/** Models evictionMessage of the same file. */
export function evictionMessage({ resource, threshold, available }: Shortage, { pod, containers }: PodDiskUse): string {
  const low = `The node was low on resource: ${resource}. Threshold quantity: ${threshold}, available: ${available}. `;
  if (resource !== 'ephemeral-storage') return low;
  const specs = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const consumers = containers.flatMap(({ name, bytes }) => {
    const request = specs.find((spec) => spec.name === name)?.resources?.requests?.[resource] ?? '0';
    if (bytes <= quantityValue(request)) return [];
    const used = `Container ${name} was using ${formatBytes(bytes)}, request is ${request}`;
    return [`${used}, has larger consumption of ${resource}. `];
  });
  return low + consumers.join('');
}

export const DISK_PRESSURE_REFUSAL = { reason: 'Evicted', message: 'The node had condition: [DiskPressure]. ' };

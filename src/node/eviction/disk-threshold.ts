import { formatQuantity } from '#api/quantity.ts';

export interface DiskState {
  readonly bytes: number;
  readonly availableBytes: number;
  /** 0 on file systems that do not count them. */
  readonly inodes: number;
  readonly freeInodes: number;
}

/** When a node acts on a disk that fills up. Periods in milliseconds. */
export interface DiskPolicy {
  /** imageGCHighThresholdPercent: so full, images that nobody uses go until the disk is as full as the other says. */
  readonly imageHighPercent: number;
  readonly imageLowPercent: number;
  /** imageMinimumGCAge */
  readonly imageMinimumAgeMs: number;
  /** imagefs.available. nodefs.available is 10% by default; both are one file system here, so the higher counts. */
  readonly availablePercent: number;
  /** nodefs.inodesFree, imagefs.inodesFree */
  readonly freeInodesPercent: number;
  /** How often it looks. */
  readonly periodMs: number;
  /** evictionPressureTransitionPeriod: so long after the last time the node says that it is under pressure. */
  readonly transitionMs: number;
}

/** What kubelets do whom nobody told otherwise: KubeletConfiguration of v1.34. */
export const KUBELET_DISK_POLICY: DiskPolicy = {
  imageHighPercent: 85,
  imageLowPercent: 80,
  imageMinimumAgeMs: 120_000,
  availablePercent: 15,
  freeInodesPercent: 5,
  periodMs: 10_000,
  transitionMs: 300_000,
};

/** What there is too little of, and how kubelets call it. */
export interface Shortage {
  readonly resource: 'ephemeral-storage' | 'inodes';
  /** Quantities. */
  readonly threshold: string;
  readonly available: string;
}

export function diskShortage(disk: DiskState, policy: DiskPolicy): Shortage | undefined {
  const bytes = (disk.bytes * policy.availablePercent) / 100;
  if (disk.availableBytes < bytes) {
    const quantity = (value: number): string => formatBytes(Math.trunc(value));
    return { resource: 'ephemeral-storage', threshold: quantity(bytes), available: quantity(disk.availableBytes) };
  }
  const inodes = (disk.inodes * policy.freeInodesPercent) / 100;
  if (disk.freeInodes >= inodes) return undefined;
  return { resource: 'inodes', threshold: formatBytes(Math.trunc(inodes)), available: formatBytes(disk.freeInodes) };
}

export function percentUsed({ bytes, availableBytes }: DiskState): number {
  return bytes === 0 ? 0 : 100 * (1 - availableBytes / bytes);
}

/** As kubelets have numbers of bytes, and of inodes, too: binary units, where nothing is lost by it. */
export function formatBytes(value: number): string {
  return formatQuantity({ nanos: BigInt(value) * 1_000_000_000n, format: 'BinarySI' });
}

import type { Clock } from '#base/clock.ts';
import type { Pod, PodSpec, Volume } from '#api/generated/types.ts';
import { formatQuantity, parseQuantity, quantityValue } from '#api/quantity.ts';
import { volumeDirectory } from '../node-context.ts';
import { containerDirectories, diskUse, type StoragePaths } from './disk-use-agent.ts';

/** How often kubelets look. */
const PERIOD_MS = 10_000;

interface StorageLimit {
  readonly directories: (pod: StoragePaths) => readonly string[] | Promise<readonly string[]>;
  readonly bytes: number;
  readonly message: string;
}

/** What of a Pod's disk use is limited, in the order and with the words of a kubelet's evictions. */
function storageLimits({ spec }: Pod): readonly StorageLimit[] {
  // What is in memory has its limit in the mount.
  const volumes = (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined && emptyDir.medium !== 'Memory');
  const containers = spec.containers.flatMap(({ name, resources }) => {
    const limit = resources?.limits?.['ephemeral-storage'];
    return limit === undefined ? [] : [{ name, limit, bytes: quantityValue(limit) }];
  });
  return [
    ...volumes.flatMap(({ name, emptyDir }) => volumeLimit(name, emptyDir?.sizeLimit)),
    ...(containers.length === 0 ? [] : [podLimit(spec, volumes, containers)]),
    ...containers.map(({ name, limit, bytes }) => ({
      directories: (paths: StoragePaths) => containerDirectories(paths, name),
      bytes,
      message: `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `,
    })),
  ];
}

function volumeLimit(name: string, limit: string | undefined): readonly StorageLimit[] {
  if (limit === undefined || quantityValue(limit) <= 0) return [];
  const message = `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `;
  return [
    { directories: ({ podDirectory }) => [volumeDirectory(podDirectory, name)], bytes: quantityValue(limit), message },
  ];
}

/** What containers and volumes keep together. Containers without a limit add nothing to it, and count all the same. */
function podLimit(
  { containers }: PodSpec,
  volumes: readonly Volume[],
  limited: readonly { readonly limit: string; readonly bytes: number }[],
): StorageLimit {
  const bytes = limited.reduce((sum, one) => sum + one.bytes, 0);
  const { format } = parseQuantity(limited[0]?.limit ?? '0');
  const total = formatQuantity({ nanos: BigInt(bytes) * 1_000_000_000n, format });
  return {
    directories: async (paths) => [
      ...volumes.map(({ name }) => volumeDirectory(paths.podDirectory, name)),
      ...(await Promise.all(containers.map(({ name }) => containerDirectories(paths, name)))).flat(),
    ],
    bytes,
    message: `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `,
  };
}

/** Looks now and then whether a Pod keeps within its limits of disk space. Costs nothing for Pods without any. */
export function watchStorage(
  pod: Pod,
  paths: StoragePaths,
  clock: Clock,
  onExceeded: (message: string) => void,
): Disposable {
  const limits = storageLimits(pod);
  const abort = new AbortController();
  if (limits.length > 0)
    void watch(limits, paths, clock, abort.signal).then((message) => message && onExceeded(message));
  return { [Symbol.dispose]: () => abort.abort() };
}

async function watch(
  limits: readonly StorageLimit[],
  paths: StoragePaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    await clock.sleep(PERIOD_MS, signal).catch(() => {});
    for (const { directories, bytes, message } of limits) {
      if (signal.aborted) return undefined;
      const used = await diskUse(await directories(paths));
      if (used.bytes > bytes) return message;
    }
  }
  return undefined;
}

import { lstat, readdir } from 'node:fs/promises';
import { type Clock } from '#base/clock.ts';
import { type Pod } from '#api/generated/types.ts';
import { quantityValue } from '#api/quantity.ts';

/** How often kubelets look. */
const PERIOD_MS = 10_000;

interface StorageLimit {
  readonly directories: (pod: StoragePaths) => readonly string[] | Promise<readonly string[]>;
  readonly bytes: number;
  readonly message: string;
}

/** Where a Pod keeps things on the disk. */
export interface StoragePaths {
  readonly podDirectory: string;
  readonly logDirectory: string;
}

/** What of a Pod's disk use is limited, with the words of a kubelet's eviction. */
function storageLimits({ spec }: Pod): readonly StorageLimit[] {
  const volumes = (spec.volumes ?? []).flatMap(({ name, emptyDir }): StorageLimit[] => {
    // What is in memory has its limit in the mount.
    if (emptyDir?.sizeLimit === undefined || emptyDir.medium === 'Memory') return [];
    return [
      {
        directories: ({ podDirectory }) => [`${podDirectory}/volumes/${name}`],
        bytes: quantityValue(emptyDir.sizeLimit),
        message: `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(emptyDir.sizeLimit)}. `,
      },
    ];
  });
  const containers = spec.containers.flatMap(({ name, resources }): StorageLimit[] => {
    const limit = resources?.limits?.['ephemeral-storage'];
    if (limit === undefined) return [];
    return [
      {
        directories: (paths) => containerDirectories(paths, name),
        bytes: quantityValue(limit),
        message: `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `,
      },
    ];
  });
  return [...volumes, ...containers];
}

/** Its log, and what each of its runs wrote over the image. */
async function containerDirectories(
  { podDirectory, logDirectory }: StoragePaths,
  name: string,
): Promise<readonly string[]> {
  const runs = await readdir(`${podDirectory}/containers`).catch(() => []);
  const own = runs.filter((run) => run.startsWith(`${name}-`) && /^\d+$/.test(run.slice(name.length + 1)));
  return [`${logDirectory}/${name}`, ...own.map((run) => `${podDirectory}/containers/${run}`)];
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
      const sizes = await Promise.all((await directories(paths)).map(diskUse));
      if (sizes.reduce((sum, size) => sum + size, 0) > bytes) return message;
    }
  }
  return undefined;
}

/** Bytes that a tree takes on the disk. What goes meanwhile, or may not be read, takes none. */
async function diskUse(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return 0;
  let bytes = stat.blocks * 512;
  if (!stat.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) bytes += await diskUse(`${path}/${name}`);
  return bytes;
}

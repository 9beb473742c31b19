import { rm } from 'node:fs/promises';
import type { Pod } from '#api/generated/types.ts';
import { errorMessage } from '#base/errors.ts';
import { logDirectory, logPath, type NodeContext, podDirectory } from './node-context.ts';

/** Where one run of a container keeps what is its own. */
export interface ContainerFiles {
  readonly directory: string;
  readonly logPath: string;
}

export function containerFiles(
  node: Pick<NodeContext, 'stateDir'>,
  pod: Pod,
  name: string,
  attempt: number,
): ContainerFiles {
  const { namespace = 'default', name: podName, uid } = pod.metadata;
  return {
    directory: `${podDirectory(node, uid)}/containers/${name}-${attempt}`,
    logPath: logPath(logDirectory(node, { namespace, name: podName, uid }), name, attempt),
  };
}

/**
 * Nobody looks into what the runs before wrote over the image, and their logs can be asked for once, as `--previous`:
 * a container that fails for days must not fill the disk.
 */
export async function removeOldRuns(
  node: Pick<NodeContext, 'stateDir' | 'log'>,
  pod: Pod,
  name: string,
  attempt: number,
): Promise<void> {
  const { directory } = containerFiles(node, pod, name, attempt - 1);
  const { logPath: log } = containerFiles(node, pod, name, attempt - 2);
  for (const path of [directory, log, `${log}.1`]) {
    try {
      // The kernel lets go of a mount namespace a moment after its last process.
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch (error) {
      node.log.warn('files of an old run stay', { path, error: errorMessage(error) });
    }
  }
}

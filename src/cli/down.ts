import { basename, join } from 'node:path';
import process from 'node:process';
import { stopCluster } from '#cluster/stop.ts';
import { userKubeconfigFile } from '#client/kubeconfig-file.ts';
import { removeFromUserKubeconfig } from '#cluster/kubeconfig.ts';
import { listStateDirs, readConfig, stateDirAt, stateRoot, type StateDir } from '#cluster/state-dir.ts';
import { removeTree } from '#node/sandbox/remove-tree-sync.ts';
import { existingStateDir, readOptions, text } from './options.ts';
import { bothGiven } from './usage-error.ts';

export async function down(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {
    name: 'string',
    'data-dir': 'string',
    kubeconfig: 'string',
    all: 'boolean',
    purge: 'boolean',
  });
  if (options.all === true) {
    for (const one of ['name', 'data-dir'] as const) if (options[one] !== undefined) throw bothGiven('all', one);
  }
  const dirs =
    options.all === true
      ? listStateDirs().map((name) => stateDirAt(join(stateRoot(), name)))
      : [existingStateDir(options)];
  for (const dir of dirs) await stopOne(dir, options.purge === true, text(options.kubeconfig));
  return 0;
}

async function stopOne(dir: StateDir, purge: boolean, kubeconfig: string | undefined): Promise<void> {
  const name = purge ? nameOf(dir) : (readConfig(dir)?.name ?? basename(dir.path));
  const was = await stopCluster(dir);
  if (purge) {
    removeTree(dir.path);
    await removeFromUserKubeconfig(userKubeconfigFile(kubeconfig), name);
  }
  const stopped = was === 'stopped' ? `stopped cluster "${name}"` : `cluster "${name}" was not running`;
  process.stdout.write(`${stopped}${purge ? ', its state is deleted' : ''}\n`);
}

/** A directory that cannot be read any more can still be purged. */
function nameOf(dir: StateDir): string {
  try {
    return readConfig(dir)?.name ?? basename(dir.path);
  } catch {
    return basename(dir.path);
  }
}

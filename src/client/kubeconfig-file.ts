import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/**
 * The file that kubectl itself would write to: `--kubeconfig`, else the first of $KUBECONFIG that is there or the last
 * if none is, else ~/.kube/config.
 */
export function userKubeconfigFile(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  if (option !== undefined && option !== '') return option;
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  return listed.find((path) => existsSync(path)) ?? listed.at(-1) ?? join(env['HOME'] ?? homedir(), '.kube', 'config');
}

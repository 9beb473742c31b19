import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, stringify } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { writeAtomically, type StateDir } from './state-dir.ts';
import { contextName, EMPTY_KUBECONFIG, type Kubeconfig, type Named } from './cluster-kubeconfig.ts';

/** `base` with the entries of `added` put in place of those of the same name, and its context made the current one. */
export function mergeKubeconfig(base: Kubeconfig, added: Kubeconfig): Kubeconfig {
  const merge = (a: readonly Named[] | null | undefined, b: readonly Named[] | null | undefined): readonly Named[] => [
    ...(a ?? []).filter((entry) => !(b ?? []).some((other) => other.name === entry.name)),
    ...(b ?? []),
  ];
  return {
    ...base,
    clusters: merge(base.clusters, added.clusters),
    users: merge(base.users, added.users),
    contexts: merge(base.contexts, added.contexts),
    'current-context': added['current-context'] ?? '',
  };
}

/** `base` without the entries of this cluster. */
export function withoutCluster(base: Kubeconfig, cluster: string): Kubeconfig {
  const name = contextName(cluster);
  const drop = (list: readonly Named[] | null | undefined): readonly Named[] =>
    (list ?? []).filter((entry) => entry.name !== name);
  const current = base['current-context'] === name ? '' : (base['current-context'] ?? '');
  return {
    ...base,
    clusters: drop(base.clusters),
    users: drop(base.users),
    contexts: drop(base.contexts),
    'current-context': current,
  };
}

export function formatKubeconfig(config: Kubeconfig): string {
  // kubectl reads YAML 1.1, where a bare `no` or `1_000` is not text: a namespace of that name needs its quotes.
  return stringify(config, { lineWidth: 0, compat: 'yaml-1.1' });
}

/** Puts the cluster's own kubeconfig into the user's file, which is created when it is not there. */
export async function publishKubeconfig(dir: StateDir, file: string): Promise<void> {
  const added = readKubeconfig(dir.kubeconfigFile);
  if (added === undefined) return;
  // Said before anything is written: what is wrong with the user's own file.
  readKubeconfig(file);
  try {
    mkdirSync(dirname(file), { recursive: true });
    await withKubeconfigLock(file, () => {
      writeAtomically(file, formatKubeconfig(mergeKubeconfig(readKubeconfig(file) ?? EMPTY_KUBECONFIG, added)));
    });
  } catch (error) {
    const hint = 'name another file with --kubeconfig';
    throw new CodedError('EKUBECONFIG', `Cannot write the kubeconfig "${file}": ${errorMessage(error)}`, {
      cause: error,
      hint,
    });
  }
}

/**
 * To be asked before a cluster is started that could then not be published.
 * @throws CodedError `EKUBECONFIG` for a file that is there and is not a kubeconfig
 */
export function checkUserKubeconfig(file: string): void {
  readKubeconfig(file);
}

export async function removeFromUserKubeconfig(file: string, cluster: string): Promise<void> {
  if (readKubeconfig(file) === undefined) return;
  await withKubeconfigLock(file, () => removeCluster(file, cluster));
}

function removeCluster(file: string, cluster: string): void {
  const config = readKubeconfig(file);
  if (config === undefined) return;
  const name = contextName(cluster);
  const mentions = [config.clusters, config.contexts, config.users].some((list) =>
    (list ?? []).some((entry) => entry.name === name),
  );
  if (mentions) writeAtomically(file, formatKubeconfig(withoutCluster(config, cluster)));
}

/** How long another writer is waited for; one that died leaves its lock, which is then nobody's. */
const LOCK_WAIT_MS = 2000;
const LOCK_RETRY_MS = 20;

/** kubectl's own lock, `<file>.lock`, so that two writers do not lose each other's contexts. */
async function withKubeconfigLock(file: string, write: () => void): Promise<void> {
  const lock = `${file}.lock`;
  const deadline = systemClock.monotonic() + LOCK_WAIT_MS;
  while (!createLock(lock)) {
    if (systemClock.monotonic() > deadline) break;
    await systemClock.sleep(LOCK_RETRY_MS);
  }
  try {
    write();
  } finally {
    rmSync(lock, { force: true });
  }
}

function createLock(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @throws CodedError `EKUBECONFIG` for a file that is not one: it is the user's, so nothing is written over it. */
function readKubeconfig(file: string): Kubeconfig | undefined {
  const hint = 'repair or move it, or name another file with --kubeconfig';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new CodedError('EKUBECONFIG', `Cannot read the kubeconfig "${file}": ${errorMessage(error)}`, {
      cause: error,
      hint,
    });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new CodedError('EKUBECONFIG', `Cannot read the kubeconfig "${file}": it is not YAML`, { cause: error, hint });
  }
  // An empty file, or one of comments only.
  if (value === null) return undefined;
  if (!isKubeconfig(value)) {
    throw new CodedError('EKUBECONFIG', `Cannot read the kubeconfig "${file}": it is not a kubeconfig`, { hint });
  }
  return value;
}

function isKubeconfig(value: unknown): value is Kubeconfig {
  const isObject = (item: unknown): boolean => typeof item === 'object' && item !== null && !Array.isArray(item);
  if (!isObject(value)) return false;
  const { clusters, contexts, users } = value as Readonly<Record<string, unknown>>;
  return [clusters, contexts, users].every(
    (list) => Array.isArray(list ?? []) && ((list as unknown[] | null) ?? []).every(isObject),
  );
}

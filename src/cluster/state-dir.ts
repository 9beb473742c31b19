import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import process from 'node:process';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import type { ClusterConfig } from './config.ts';

/** Version of the layout below. A directory of a later one is refused, an older one is migrated when there is one. */
const FORMAT = 1;

/** Where one cluster keeps everything it must not forget, and what it is running as. */
export interface StateDir {
  readonly path: string;
  readonly configFile: string;
  readonly runFile: string;
  readonly logFile: string;
  readonly kubeconfigFile: string;
  readonly pkiDir: string;
  readonly storeDir: string;
  /** Files of Pods: logs and volumes, one directory a node. */
  readonly nodesDir: string;
  /** Images, for all nodes. */
  readonly imagesDir: string;
  /** Control groups that a running cluster has, one a line. */
  readonly cgroupsFile: string;
  /** Files of provisioned persistent volumes, one directory a volume. */
  readonly volumesDir: string;
}

/** What a running daemon says of itself. Pids are those of the host. */
export interface RunInfo {
  readonly pid: number;
  /** Pid of the `unshare` that holds the daemon's namespaces; the daemon ends with it. */
  readonly holderPid: number;
  /** Start time of `holderPid` in clock ticks since boot: tells it from a later process of the same pid. */
  readonly holderStart: string;
  readonly apiPort: number;
  readonly startedAt: string;
}

interface StoredConfig {
  readonly format: number;
  readonly config: ClusterConfig;
}

/** `$XDG_STATE_HOME/clusterip`, by default `~/.local/state/clusterip`: one directory a cluster. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_STATE_HOME'] ?? '';
  // The XDG specification: a relative path is to be ignored.
  return join(isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'clusterip');
}

export function stateDirAt(path: string): StateDir {
  return {
    path,
    configFile: join(path, 'cluster.json'),
    runFile: join(path, 'run.json'),
    logFile: join(path, 'daemon.log'),
    kubeconfigFile: join(path, 'kubeconfig'),
    pkiDir: join(path, 'pki'),
    storeDir: join(path, 'store'),
    nodesDir: join(path, 'nodes'),
    imagesDir: join(path, 'images'),
    cgroupsFile: join(path, 'cgroups'),
    volumesDir: join(path, 'volumes'),
  };
}

/**
 * Creates the directory for its owner only.
 * @throws CodedError `ESTATEDIR` when it cannot be, and for one with other things in it: a purge would delete them.
 */
export function ensureStateDir(dir: StateDir): void {
  let isForeign: boolean;
  try {
    mkdirSync(dir.path, { recursive: true, mode: 0o700 });
    isForeign = !existsSync(dir.configFile) && readdirSync(dir.path).length > 0;
    if (!isForeign) chmodSync(dir.path, 0o700);
  } catch (error) {
    throw unusable(dir, error);
  }
  if (!isForeign) return;
  throw new CodedError('ESTATEDIR', `Cannot use the data directory "${dir.path}": it holds other files`, {
    hint: 'choose another with --data-dir, an empty one or one that is not there yet',
  });
}

/** What the system said of a directory that it does not let us have. */
export function unusable(dir: StateDir, error: unknown): CodedError {
  return new CodedError('ESTATEDIR', `Cannot use the data directory "${dir.path}": ${errorMessage(error)}`, {
    cause: error,
    hint: 'choose another with --data-dir',
  });
}

/** @throws CodedError `ESTATEVERSION` for a directory written by a later version, `ESTATEDIR` for a broken one. */
export function readConfig(dir: StateDir): ClusterConfig | undefined {
  let text: string;
  try {
    text = readFileSync(dir.configFile, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw unusable(dir, error);
  }
  const { format, config } = parseConfig(text);
  if (typeof format === 'number' && format > FORMAT) {
    throw new CodedError(
      'ESTATEVERSION',
      `Cannot use the data directory "${dir.path}": it has format ${format}, and this version knows ${FORMAT}`,
      { hint: 'use the newer clusterip that wrote it, or start afresh with another --data-dir or --name' },
    );
  }
  if (typeof format === 'number' && typeof config === 'object' && config !== null) return config;
  throw new CodedError('ESTATEDIR', `Cannot read "${dir.configFile}": it is not a cluster's configuration`, {
    hint: `move "${dir.path}" away, or choose another --data-dir`,
  });
}

/** Nothing is sure about its fields: a later version may have others. */
function parseConfig(text: string): Partial<StoredConfig> {
  try {
    return (JSON.parse(text) as Partial<StoredConfig> | null) ?? {};
  } catch {
    return {};
  }
}

export function writeConfig(dir: StateDir, config: ClusterConfig): void {
  writeAtomically(dir.configFile, `${JSON.stringify({ format: FORMAT, config } satisfies StoredConfig, null, 2)}\n`);
}

export function readRunInfo(dir: StateDir): RunInfo | undefined {
  try {
    return JSON.parse(readFileSync(dir.runFile, 'utf8')) as RunInfo;
  } catch {
    return undefined;
  }
}

export function writeRunInfo(dir: StateDir, info: RunInfo): void {
  writeAtomically(dir.runFile, `${JSON.stringify(info, null, 2)}\n`);
}

export function removeRunInfo(dir: StateDir): void {
  rmSync(dir.runFile, { force: true });
}

/**
 * A reader sees the old text or the new, never half of one. A file that is there keeps its owner and permissions, which
 * matters to a user's kubeconfig when we are root.
 */
export function writeAtomically(file: string, text: string, mode: number = 0o600): void {
  const target = linkTarget(file);
  const temporary = `${target}.${process.pid}.tmp`;
  const before = statSync(target, { throwIfNoEntry: false });
  try {
    writeFileSync(temporary, text, { mode });
    if (before !== undefined) {
      chmodSync(temporary, before.mode & 0o777);
      if (process.getuid?.() === 0) chownSync(temporary, before.uid, before.gid);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Through symbolic links, as people keep their kubeconfig, to the file that they name, also one that is not there. */
function linkTarget(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? resolve(realpathSync(dirname(file)), readlinkSync(file)) : file;
}

/** Names of the clusters that have state below `root`. */
export function listStateDirs(root: string = stateRoot()): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'cluster.json')))
    .sort();
}

import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { rfc3339, systemClock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';
import { planNetwork, serverNames, type ClusterConfig } from '#cluster/config.ts';
import { checkUserKubeconfig, contextName, publishKubeconfig, userKubeconfigFile } from '#cluster/kubeconfig.ts';
import { launchDaemon, type Launched } from '#cluster/launch.ts';
import { ensurePki } from '#cluster/pki.ts';
import { prepareState } from '#cluster/prepare.ts';
import { type StateDir } from '#cluster/state-dir.ts';
import { removeTree } from '#node/sandbox/remove-tree-sync.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { chosenStateDir, oneOf, readOptions, text, wholeNumber } from './options.ts';
import { Progress } from './progress.ts';
import { untilReady } from './until-ready.ts';

const OPTIONS = {
  name: 'string',
  nodes: 'string',
  'data-dir': 'string',
  kubeconfig: 'string',
  'api-port': 'string',
  'service-cidr': 'string',
  'pod-cidr': 'string',
  storage: 'string',
  'proxy-mode': 'string',
  foreground: 'boolean',
  wait: 'string',
  output: 'string',
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]?: string | boolean };

export async function up(args: readonly string[]): Promise<number> {
  const began = systemClock.monotonic();
  const options = readOptions(args, OPTIONS);
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const waitMs = (wholeNumber('wait', options.wait) ?? 60) * 1000;
  const kubeconfig = userKubeconfigFile(text(options.kubeconfig));
  const asked = askedConfig(options);
  const dir = chosenStateDir(options);
  const isNew = !existsSync(dir.path);
  checkUserKubeconfig(kubeconfig);
  const config = prepareState(dir, asked);
  const progress = new Progress(process.stderr, systemClock, output === 'text');
  const launched = launchOrForget(dir, config, isNew);
  const outcome = await untilReady(launched.messages, waitMs, (text) => progress.show(text));
  progress.clear();
  if (outcome.kind !== 'ready') {
    const words = lastWords(dir);
    await abandon(launched, dir, isNew);
    if (outcome.kind === 'interrupted') {
      process.stderr.write('clusterip: interrupted; nothing was left running\n');
      return EXIT_INTERRUPTED;
    }
    const hint = outcome.hint ?? (isNew ? `its last words were: ${words}` : `see ${dir.logFile}`);
    throw new CodedError(outcome.code, outcome.message, { hint });
  }
  try {
    publishKubeconfig(dir, kubeconfig);
  } catch (error) {
    await abandon(launched, dir, isNew);
    throw error;
  }
  const seconds = (systemClock.monotonic() - began) / 1000;
  process.stdout.write(summary(output, dir, config, outcome.apiPort, seconds, kubeconfig));
  if (options.foreground === true) return stay(launched, dir);
  launched.detach();
  return 0;
}

/** Only what was said on the command line: the rest comes from the state directory or the defaults. */
function askedConfig(options: Options): Partial<ClusterConfig> {
  const asked: { -readonly [K in keyof ClusterConfig]?: ClusterConfig[K] | undefined } = {
    name: text(options.name),
    nodes: wholeNumber('nodes', options.nodes),
    apiPort: wholeNumber('api-port', options['api-port']),
    serviceCidr: text(options['service-cidr']),
    podCidr: text(options['pod-cidr']),
    storage:
      options.storage === undefined ? undefined : oneOf<'sqlite'>('storage', options.storage, ['sqlite'], 'sqlite'),
    proxyMode:
      options['proxy-mode'] === undefined
        ? undefined
        : oneOf<'nftables'>('proxy-mode', options['proxy-mode'], ['nftables'], 'nftables'),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

function launchOrForget(dir: StateDir, config: ClusterConfig, isNew: boolean): Launched {
  try {
    const { now } = systemClock;
    const keys = (): Promise<void> =>
      ensurePki(dir.pkiDir, { clock: systemClock, serverNames: serverNames(planNetwork(config)) });
    return launchDaemon(dir, { keys, startedAt: rfc3339(now()) });
  } catch (error) {
    if (isNew) removeTree(dir.path);
    throw error;
  }
}

/** The last error in the daemon's log, which a new cluster that fails takes with it. */
function lastWords(dir: StateDir): string {
  const lines = existsSync(dir.logFile) ? readFileSync(dir.logFile, 'utf8').split('\n') : [];
  return lines.findLast((line) => /error/i.test(line))?.trim() ?? 'nothing';
}

/** Ends what was started, and a cluster that is new is gone without a trace. */
async function abandon(launched: Launched, dir: StateDir, isNew: boolean): Promise<void> {
  launched.kill();
  await launched.exited;
  if (isNew) removeTree(dir.path);
}

function summary(
  output: 'text' | 'json',
  dir: StateDir,
  config: ClusterConfig,
  apiPort: number,
  seconds: number,
  kubeconfig: string,
): string {
  const server = `https://127.0.0.1:${apiPort}`;
  const context = contextName(config.name);
  if (output === 'json') {
    const value = { name: config.name, server, context, kubeconfig, dataDir: dir.path, nodes: config.nodes, seconds };
    return `${JSON.stringify(value, null, 2)}\n`;
  }
  const suffix = config.name === 'default' ? '' : ` --name ${config.name}`;
  return `cluster "${config.name}" is ready after ${seconds.toFixed(2)} s: ${server}
  use it:   kubectl --context ${context} get nodes
  stop it:  clusterip down${suffix}
`;
}

/** `--foreground`: Ctrl-C stops the cluster, and its end is ours. */
async function stay(launched: Launched, dir: StateDir): Promise<number> {
  const { stopCluster } = await import('#cluster/stop.ts');
  const stop = (): void => void stopCluster(dir);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await launched.exited;
  return 0;
}

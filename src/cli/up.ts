import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { rfc3339, systemClock } from '#base/clock.ts';
import { CodedError, errorCode } from '#base/errors.ts';
import { takeLock } from '#cluster/lock-file.ts';
import { PROXY_MODES, type ClusterConfig } from '#cluster/config.ts';
import { planNetwork, serverNames } from '#cluster/network-plan.ts';
import { contextName } from '#cluster/cluster-kubeconfig.ts';
import { userKubeconfigFile } from '#client/kubeconfig-file.ts';
import { checkUserKubeconfig, publishKubeconfig } from '#cluster/kubeconfig.ts';
import { launchDaemon, type Launched } from '#cluster/launch.ts';
import { parseLabels, ZONE_LABEL } from '#cluster/members.ts';
import { ensurePki } from '#cluster/pki.ts';
import { prepareState, settleConfig } from '#cluster/prepare.ts';
import { type StateDir, unusable } from '#cluster/state-dir.ts';
import { removeTree } from '#node/sandbox/remove-tree-sync.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { chosenStateDir, oneOf, readOptions, text, wholeNumber } from './options.ts';
import { Progress } from './progress.ts';
import { SignalWatch } from './signal-watch.ts';
import { untilReady } from './until-ready.ts';
import { usageError } from './usage-error.ts';

const OPTIONS = {
  name: 'string',
  nodes: 'string',
  zones: 'string',
  'node-labels': 'string',
  'data-dir': 'string',
  kubeconfig: 'string',
  'api-port': 'string',
  'service-cidr': 'string',
  'pod-cidr': 'string',
  'load-balancer-cidr': 'string',
  'static-cluster-ips': 'string',
  storage: 'string',
  'proxy-mode': 'string',
  'no-egress': 'boolean',
  'registry-mirror': 'string',
  'dns-autopath': 'string',
  'disk-pressure': 'string',
  foreground: 'boolean',
  wait: 'string',
  output: 'string',
} as const;

type Options = { readonly [K in keyof typeof OPTIONS]?: string | boolean };

interface Start {
  readonly dir: StateDir;
  readonly asked: Partial<ClusterConfig>;
  readonly kubeconfig: string;
  readonly waitMs: number;
  readonly output: 'text' | 'json';
}

export async function up(args: readonly string[]): Promise<number> {
  const began = systemClock.monotonic();
  const options = readOptions(args, OPTIONS);
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const waitMs = (wholeNumber('wait', options.wait, 1) ?? 60) * 1000;
  const kubeconfig = userKubeconfigFile(text(options.kubeconfig));
  const dir = chosenStateDir(options);
  const started = await start({ dir, asked: askedConfig(options, dir), kubeconfig, waitMs, output });
  if (started === undefined) {
    process.stderr.write('clusterip: interrupted; nothing was left running\n');
    return EXIT_INTERRUPTED;
  }
  const seconds = (systemClock.monotonic() - began) / 1000;
  process.stdout.write(summary(output, dir, started, seconds, kubeconfig));
  if (output === 'text') for (const notice of started.notices) process.stderr.write(`note: ${notice}\n`);
  if (options.foreground === true) return stay(started.launched, dir);
  started.launched.detach();
  return 0;
}

interface Started {
  readonly launched: Launched;
  readonly config: ClusterConfig;
  readonly apiPort: number;
  readonly notices: readonly string[];
}

/** Undefined when the user interrupts it. Whatever goes wrong, what it made is gone again. */
async function start({ dir, asked, kubeconfig, waitMs, output }: Start): Promise<Started | undefined> {
  const before: Before = { hasDirectory: existsSync(dir.path), hasCluster: existsSync(dir.configFile) };
  checkUserKubeconfig(kubeconfig);
  settleConfig(dir, asked);
  // From before anything is made: an interruption is ours to clean up after.
  using signals = new SignalWatch();
  using _lock = lockStart(dir);
  const config = prepareState(dir, asked);
  const progress = new Progress(process.stderr, systemClock, output === 'text');
  const launched = launchOrForget(dir, config, before);
  const outcome = await untilReady(launched.messages, waitMs, (text) => progress.show(text), signals);
  progress.clear();
  if (outcome.kind !== 'ready') {
    const words = lastWords(dir);
    await abandon(launched, dir, before);
    if (outcome.kind === 'interrupted') return undefined;
    const hint = outcome.hint ?? (before.hasCluster ? `see ${dir.logFile}` : `its last words were: ${words}`);
    throw new CodedError(outcome.code, outcome.message, { hint });
  }
  try {
    await publishKubeconfig(dir, kubeconfig);
  } catch (error) {
    await abandon(launched, dir, before);
    throw error;
  }
  return { launched, config, apiPort: outcome.apiPort, notices: outcome.notices };
}

/** What there was before: a start that fails puts it back. */
interface Before {
  readonly hasDirectory: boolean;
  readonly hasCluster: boolean;
}

function restore(dir: StateDir, { hasDirectory, hasCluster }: Before): void {
  if (hasCluster) return;
  removeTree(dir.path);
  if (hasDirectory) mkdirSync(dir.path, { mode: 0o700 });
}

/** Only what was said on the command line: the rest comes from the state directory or the defaults. */
function askedConfig(options: Options, dir: StateDir): Partial<ClusterConfig> {
  const asked: { -readonly [K in keyof ClusterConfig]?: ClusterConfig[K] | undefined } = {
    name: text(options.name) ?? nameOfDirectory(options, dir),
    nodes: wholeNumber('nodes', options.nodes),
    zones: options.zones === undefined ? undefined : zonesOf(text(options.zones) ?? ''),
    nodeLabels:
      options['node-labels'] === undefined ? undefined : parseLabels('node-labels', text(options['node-labels']) ?? ''),
    // Not kept: whether there is a way out is for each start to say.
    egress: options['no-egress'] !== true && process.env['CLUSTERIP_EGRESS'] !== 'none',
    registryMirrors:
      options['registry-mirror'] === undefined ? undefined : mirrorsOf(text(options['registry-mirror']) ?? ''),
    apiPort: wholeNumber('api-port', options['api-port']),
    serviceCidr: text(options['service-cidr']),
    podCidr: text(options['pod-cidr']),
    loadBalancerCidr: text(options['load-balancer-cidr']),
    staticClusterIps: chosen('static-cluster-ips', options['static-cluster-ips'], ['allow', 'deny']),
    storage: chosen('storage', options.storage, ['sqlite']),
    dnsAutopath: onOrOff('dns-autopath', options['dns-autopath']),
    diskPressure: onOrOff('disk-pressure', options['disk-pressure']),
    proxyMode: chosen('proxy-mode', options['proxy-mode'], PROXY_MODES),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

function onOrOff(name: string, value: string | boolean | undefined): boolean | undefined {
  const choice = chosen(name, value, ['on', 'off']);
  return choice === undefined ? undefined : choice === 'on';
}

function chosen<const T extends string>(
  name: string,
  value: string | boolean | undefined,
  choices: readonly [T, ...T[]],
): T | undefined {
  return value === undefined ? undefined : oneOf<T>(name, value, choices, choices[0]);
}

/** `docker.io=https://mirror.example.com,docker.io=http://10.0.0.1:5000`: asked in that order. */
function mirrorsOf(list: string): Readonly<Record<string, readonly string[]>> {
  const mirrors: Record<string, string[]> = {};
  for (const part of list.split(',').filter((one) => one !== '')) {
    const equals = part.indexOf('=');
    const url = URL.parse(part.slice(equals + 1));
    if (equals < 1 || (url?.protocol !== 'http:' && url?.protocol !== 'https:')) {
      throw usageError(`Cannot read --registry-mirror ${JSON.stringify(part)}: it must be REGISTRY=URL`);
    }
    (mirrors[part.slice(0, equals)] ??= []).push(part.slice(equals + 1));
  }
  return mirrors;
}

function zonesOf(list: string): readonly string[] {
  const zones = list.split(',').filter((zone) => zone !== '');
  for (const zone of zones) parseLabels('zones', `${ZONE_LABEL}=${zone}`);
  return zones;
}

/** A new cluster in a directory of its own is named for it, so that two of them do not share a context. */
function nameOfDirectory(options: Options, dir: StateDir): string | undefined {
  if (options['data-dir'] === undefined || existsSync(dir.configFile)) return undefined;
  const name = basename(dir.path)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-|-$/g, '');
  return name === '' ? undefined : name;
}

/** Two starts of the same new cluster would each take the directory for their own. */
function lockStart(dir: StateDir): Disposable {
  try {
    return takeLock(`${dir.path}.lock`);
  } catch (error) {
    if (errorCode(error) !== 'ELOCKED') throw unusable(dir, error);
    throw new CodedError('ERUNNING', 'Cannot start the cluster: another clusterip up of it is under way', {
      cause: error,
      hint: 'wait for that one, or start another with --name',
    });
  }
}

function launchOrForget(dir: StateDir, config: ClusterConfig, before: Before): Launched {
  try {
    const keys = (): Promise<void> =>
      ensurePki(dir.pkiDir, { clock: systemClock, serverNames: serverNames(planNetwork(config)) });
    return launchDaemon(dir, { keys, startedAt: rfc3339(systemClock.now()) });
  } catch (error) {
    restore(dir, before);
    throw error;
  }
}

/** The last error in the daemon's log, which a new cluster that fails takes with it. */
function lastWords(dir: StateDir): string {
  const lines = existsSync(dir.logFile) ? readFileSync(dir.logFile, 'utf8').split('\n') : [];
  return lines.findLast((line) => /error/i.test(line))?.trim() ?? 'nothing';
}

/** Ends what was started, and a cluster that is new is gone without a trace. */
async function abandon(launched: Launched, dir: StateDir, before: Before): Promise<void> {
  launched.kill();
  await launched.exited;
  restore(dir, before);
}

function summary(
  output: 'text' | 'json',
  dir: StateDir,
  { config, apiPort, notices }: Started,
  seconds: number,
  kubeconfig: string,
): string {
  const server = `https://127.0.0.1:${apiPort}`;
  const context = contextName(config.name);
  if (output === 'json') {
    const { name, nodes } = config;
    const value = { name, server, context, kubeconfig, dataDir: dir.path, nodes, seconds, notices };
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

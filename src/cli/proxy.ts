import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import { createLog, formatRecord, type Log } from '#base/log.ts';
import { KUBERNETES_VERSION, VERSION } from '#cluster/version.ts';
import { throughProxyOf } from '#client/http-proxy.ts';
import { inClusterConnection, readConnection, type Connection } from '#client/kubeconfig.ts';
import type { RawConfig } from '#proxy/config/config-fields.ts';
import { parseConfigText } from '#proxy/config/config-text.ts';
import { resolveConfig, type ProxyConfig } from '#proxy/config/proxy-config.ts';
import { cleanUp } from '#proxy/program/cleanup-sync.ts';
import { applyNodeSettings } from '#proxy/program/node-settings-sync.ts';
import { runProxy } from '#proxy/program/proxy-agent.ts';
import { flagsAsConfig, readProxyFlags, type ProxyFlags } from './proxy-flags.ts';
import { collectGarbage } from './collect-garbage.ts';
import { trimMemory } from './trim-memory.ts';
import { usageError } from './usage-error.ts';

/** How often the configuration file is looked at: a mounted ConfigMap changes by a symbolic link, which no watch sees. */
const CONFIG_POLL_MS = 2000;

interface Settings {
  readonly config: ProxyConfig;
  /** To be looked at for changes. */
  readonly file: { readonly path: string; readonly text: string } | undefined;
}

/** The service proxy of one node of any cluster, until it is told to end. */
export async function proxy(args: readonly string[]): Promise<number> {
  const flags = readProxyFlags(args);
  const isVerbose = Number(flags.values.get('v') ?? 0) >= 4;
  const log = createLog('proxy', (record) => {
    if (record.level !== 'debug' || isVerbose) process.stderr.write(`${formatRecord(record)}\n`);
  });
  const { config, file } = readSettings(flags, log);
  if (flags.values.get('cleanup') === true || flags.values.get('cleanup-kube-proxy') === true) {
    return removeRules(config, flags, log);
  }
  if (flags.values.get('init-only') === true) {
    applyNodeSettings(config, log);
    return 0;
  }
  const connection = connectionOf(config, flags);
  const nodeName = config.nodeName ?? hostname().trim().toLowerCase();
  const ending = new AbortController();
  const ended = endOf(ending.signal, file);
  const build = { version: VERSION, kubernetesVersion: KUBERNETES_VERSION };
  const { signal } = ending;
  const running = runProxy({ config, nodeName, connection, build, clock: systemClock, log, signal });
  // What fails of the first is told below; without the others we only need more memory.
  running
    .then(collectGarbage)
    .then(trimMemory)
    .catch(() => {});
  try {
    // What does not start ends the program; what runs is ended by a signal or by another configuration.
    await Promise.race([running.then(() => ended), ended]);
    log.info('leaving; the rules stay');
    return 0;
  } finally {
    ending.abort();
    running.catch(() => {});
  }
}

function readSettings(flags: ProxyFlags, log: Log): Settings {
  const path = textOf(flags, 'config');
  const { raw, ignored } = flagsAsConfig(flags, path !== undefined);
  if (ignored.length > 0)
    log.warn('the configuration file decides, not the command line', { ignored: ignored.join(' ') });
  if (flags.idle.length > 0) log.warn('flags that change nothing here', { flags: flags.idle.join(' ') });
  if (path === undefined) return { config: configOfFlags(raw), file: undefined };
  const text = readFile(path);
  const fromFile = parseConfigText(path, text);
  for (const warning of fromFile.warnings) log.warn('the configuration holds what means nothing', { warning });
  if (fromFile.idle.length > 0) log.warn('fields that change nothing here', { fields: fromFile.idle.join(' ') });
  return { config: resolveConfig({ ...fromFile.raw, ...(raw as RawConfig) }), file: { path, text } };
}

/** @throws CodedError `EUSAGE` in the words of a configuration's error, which name the setting. */
function configOfFlags(raw: RawConfig): ProxyConfig {
  try {
    return resolveConfig(raw);
  } catch (error) {
    throw usageError(errorMessage(error), error);
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CodedError('ECONFIG', `Cannot read the configuration "${path}": ${errorMessage(error)}`, {
      hint: 'name another with --config',
      cause: error,
    });
  }
}

/** `--kubeconfig` or what the file names, else the account of the Pod that this is, else nobody; `--master` says where. */
function connectionOf({ kubeconfig }: ProxyConfig, flags: ProxyFlags): Connection {
  const found =
    kubeconfig === undefined ? inClusterConnection(process.env) : readConnection(kubeconfig, textOf(flags, 'context'));
  const master = textOf(flags, 'master');
  if (found === undefined && master === undefined) {
    throw new CodedError('EKUBECONFIG', 'Cannot tell which cluster: there is no kubeconfig, and this is not a Pod', {
      hint: 'name one with --kubeconfig',
    });
  }
  const nobody = { server: '', insecureSkipTlsVerify: false, namespace: 'default' };
  const there = master === undefined ? {} : { server: serverOf(master) };
  return throughProxyOf(process.env, { ...nobody, ...found, ...there });
}

/** As Kubernetes' own clients read it: a host may come without `https://`. */
function serverOf(master: string): string {
  const url = master.includes('://') ? master : `https://${master}`;
  if (!URL.canParse(url)) throw usageError(`Cannot read --master "${master}": it must be the URL of the API server`);
  return url.replace(/\/+$/, '');
}

function textOf(flags: ProxyFlags, name: string): string | undefined {
  const value = flags.values.get(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Resolves at the first SIGINT or SIGTERM, the next ends the process at once; rejects when the file has changed. */
function endOf(signal: AbortSignal, file: Settings['file']): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    signal.addEventListener('abort', end, { once: true });
    if (file === undefined) return;
    const look = async (): Promise<void> => {
      for (;;) {
        await systemClock.sleep(CONFIG_POLL_MS, signal);
        if (readFile(file.path) !== file.text) throw changed(file.path);
      }
    };
    look().catch((error: unknown) => {
      if (!signal.aborted) reject(error);
    });
  });
}

/** As kube-proxy does it: whoever started us starts us anew. */
function changed(path: string): CodedError {
  return new CodedError('ECONFIGCHANGED', `The configuration "${path}" has changed`, {
    hint: 'start anew; a DaemonSet does that by itself, and the rules stay meanwhile',
  });
}

async function removeRules(config: ProxyConfig, flags: ProxyFlags, log: Log): Promise<number> {
  const ofKubeProxy = flags.values.get('cleanup-kube-proxy') === true;
  const isOurs = flags.values.get('cleanup') === true;
  // In mode iptables the chains are ours, whoever made them first.
  const ofIptables = config.mode === 'iptables' ? isOurs : ofKubeProxy;
  const removed = await cleanUp({ ofOurs: isOurs, ofKubeProxy, ofIptables, log });
  for (const line of removed) process.stdout.write(`removed ${line}\n`);
  if (removed.length === 0) process.stdout.write('nothing to remove\n');
  return 0;
}

import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { createLog, formatRecord } from '#base/log.ts';
import { throughProxyOf } from '#client/http-proxy.ts';
import { type Connection, inClusterConnection, readConnection } from '#client/kubeconfig.ts';
import { userKubeconfigFile } from '#client/kubeconfig-file.ts';
import { VERSION } from '#cluster/version.ts';
import type { ConnectionConfig, ServerConfig } from '#dns/corefile/server-config.ts';
import { type CorefileRead, readCorefile } from '#dns/corefile-file.ts';
import { watchCorefile } from '#dns/corefile-watch.ts';
import { DnsAgent } from '#dns/dns-agent.ts';
import { endpointConnection } from '#dns/endpoint-connection.ts';
import { corefileOf, DNS_OPTIONS, type DnsOptions, serversOf } from './dns-options.ts';
import { readOptions, text } from './options.ts';
import { trimMemory } from './trim-memory.ts';

/** Cluster DNS for any cluster, until it is told to end. */
export async function dns(args: readonly string[]): Promise<number> {
  const options = readOptions(args, DNS_OPTIONS);
  const file = corefileOf(options);
  const read = (): CorefileRead =>
    file === undefined ? { servers: () => serversOf(options), fingerprint: '' } : readCorefile(file, process.env);
  const first = read();
  const servers = first.servers();
  if (options.check === true) {
    process.stdout.write(`${servers.length === 1 ? '1 server is' : `${servers.length} servers are`} understood\n`);
    return 0;
  }
  const log = createLog('dns', (record) => process.stderr.write(`${formatRecord(record)}\n`));
  const agent = new DnsAgent({
    connection: (config) => connectionOf(options, config),
    version: VERSION,
    clock: systemClock,
    log,
    onKnown: trimMemory,
    print: (line) => process.stdout.write(`${line}\n`),
  });
  await agent.apply(servers).catch((error: unknown) => {
    throw withHint(error);
  });
  trimMemory();
  for (const line of idleWords(servers)) log.info(line);
  log.info('answering', { on: addressesOf(servers).join(' ') });
  using _reloads = followReloads(agent, file, first, read);
  await ending();
  log.info('leaving');
  await agent.leave();
  return 0;
}

/** A change of the file takes effect by itself where it says `reload`; SIGHUP and SIGUSR1 (as in CoreDNS) always do. */
function followReloads(
  agent: DnsAgent,
  file: string | undefined,
  first: CorefileRead,
  read: () => CorefileRead,
): Disposable {
  let { fingerprint } = first;
  let servers = first.servers();
  const reload = (onlyIfChanged: boolean): void => {
    void agent.reapply(() => {
      const next = read();
      if (onlyIfChanged && next.fingerprint === fingerprint) return undefined;
      fingerprint = next.fingerprint;
      servers = next.servers();
      return servers;
    });
  };
  const forced = (): void => reload(false);
  process.on('SIGHUP', forced);
  process.on('SIGUSR1', forced);
  const intervalMs = (): number => Math.max(0, ...servers.map((server) => server.reload?.intervalMs ?? 0));
  const watching =
    file === undefined ? undefined : watchCorefile({ file, intervalMs, clock: systemClock, look: () => reload(true) });
  return {
    [Symbol.dispose]() {
      process.off('SIGHUP', forced);
      process.off('SIGUSR1', forced);
      watching?.[Symbol.dispose]();
    },
  };
}

/** The first SIGINT or SIGTERM; the next ends the process at once, as nobody listens any more. */
function ending(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
  });
}

/** What the file says, else `--kubeconfig`, else the Pod's own account, else the user's kubeconfig. */
function connectionOf(options: DnsOptions, config: ConnectionConfig | undefined): Connection {
  return throughProxyOf(process.env, directConnectionOf(options, config));
}

function directConnectionOf(options: DnsOptions, config: ConnectionConfig | undefined): Connection {
  const context = text(options.context);
  const file = text(options.kubeconfig);
  if (file !== undefined) return readConnection(file, context);
  if (config?.kind === 'kubeconfig') return readConnection(config.file, config.context);
  if (config?.kind === 'endpoint') return endpointConnection(config);
  return inClusterConnection(process.env) ?? readConnection(userKubeconfigFile(undefined), context);
}

/** What the system says of an address that it does not give, or does not know. */
const REFUSALS = new Set(['EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);

function withHint(error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || !REFUSALS.has(code)) return error;
  const hint = code === 'EACCES' ? 'use a port above 1023, or run it as root' : 'listen on another address or port';
  return new CodedError(code, `Cannot listen: ${errorMessage(error)}`, { hint, cause: error });
}

function idleWords(servers: readonly ServerConfig[]): readonly string[] {
  const always = new Set(['errors', 'loop', 'loadbalance', 'any']);
  const words = new Set(servers.flatMap(({ idle }) => idle).filter((name) => !always.has(name)));
  return [...words].map((name) => `"${name}" changes nothing here`);
}

function addressesOf(servers: readonly ServerConfig[]): readonly string[] {
  return [
    ...new Set(
      servers.flatMap(({ hosts, port }) => (hosts.length === 0 ? [''] : hosts).map((host) => `${host}:${port}`)),
    ),
  ];
}

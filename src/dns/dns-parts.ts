import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { ApiMetrics } from './api-metrics.ts';
import { type ClusterAgent, type ClusterSelection, followCluster } from './cluster-agent.ts';
import { DEFAULT_CACHE } from './corefile/cache-directive.ts';
import { serverTarget } from './corefile/forward-directive.ts';
import type {
  CacheConfig,
  ConnectionConfig,
  ForwardConfig,
  HostsConfig,
  KubernetesConfig,
  ServerConfig,
} from './corefile/server-config.ts';
import { createForwarder, type Forwarder, type ForwarderOptions } from './forward-socket.ts';
import type { Hosts } from './hosts.ts';
import { followHosts, type HostsFile } from './hosts-file.ts';
import { DnsMetrics } from './metrics.ts';
import { isBelow, nameText } from './name.ts';
import { Pool } from './pool.ts';
import { ProgrammingLatency } from './programming-latency.ts';
import { nameserversOf, searchOf } from './resolv-conf.ts';
import type { ServerAddress } from './server-address.ts';

export interface DnsPartsOptions {
  readonly connection: (config: ConnectionConfig | undefined) => Connection;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a cluster is known, before anybody is answered from it. */
  readonly onKnown?: (() => void) | undefined;
}

/** What outlives a configuration: copies of clusters, caches, counters. The next configuration takes what it shares. */
export class DnsParts {
  /** Of all clusters. */
  readonly latency: ProgrammingLatency;
  readonly api: ApiMetrics;
  readonly #options: DnsPartsOptions;
  readonly #clusters = new Pool<ClusterAgent>((agent) => agent[Symbol.dispose]());
  readonly #forwarders = new Pool<Forwarder>((forwarder) => forwarder.close());
  readonly #hosts = new Pool<HostsFile>((file) => file[Symbol.dispose]());
  readonly #metrics = new Map<string, DnsMetrics>();

  constructor(options: DnsPartsOptions) {
    this.#options = options;
    this.latency = new ProgrammingLatency(options.clock);
    this.api = new ApiMetrics(options.clock);
  }

  /** All clusters are known whole. */
  get isReady(): boolean {
    return [...this.#clusters.values()].every((agent) => agent.isReady());
  }

  readonly cluster = (config: KubernetesConfig, server: ServerConfig): ClusterAgent => {
    const { zones, namespaces, namespaceLabels, labels, endpointPodNames, noEndpoints } = config;
    const pods = config.pods === 'verified' || server.autopath !== undefined;
    const selection: ClusterSelection = {
      zones,
      namespaces,
      namespaceLabels,
      labels,
      endpointPodNames,
      noEndpoints,
      pods,
    };
    const { connection, clock, log, onKnown } = this.#options;
    return this.#clusters.take(JSON.stringify([selection, config.connection]), () =>
      followCluster({
        connection: connection(config.connection),
        selection,
        clock,
        log,
        latency: this.latency,
        api: this.api,
        onKnown,
      }),
    );
  };

  readonly forwarder = (config: ForwardConfig, { cache }: ServerConfig): Forwarder => {
    const upstreams = config.to.flatMap((to) => ('file' in to ? serversOf(to.file) : [{ ...to }]));
    if (upstreams.length === 0)
      this.#options.log.warn('no server is named for other names', { from: nameText(config.from) });
    const addresses = upstreams.map(({ host, port, tls }): ServerAddress => {
      return tls ? { host, port, tls: tlsOf(config) } : { host, port };
    });
    return this.#forwarders.take(JSON.stringify([config, upstreams, cache]), () =>
      createForwarder({
        upstreams: addresses,
        clock: this.#options.clock,
        onLoop: (server) => this.#options.log.error('a server leads back here and is not asked any more', { server }),
        policy: config.policy,
        maxConcurrent: config.maxConcurrent === 0 ? Number.POSITIVE_INFINITY : config.maxConcurrent,
        forceTcp: config.forceTcp,
        maxFails: config.maxFails,
        probeMs: config.healthCheckMs,
        failFast: config.failFast,
        keepMs: config.expireMs,
        ...cacheOptions(cache),
      }),
    );
  };

  readonly hosts = (config: HostsConfig): (() => Hosts) => {
    const { clock, log } = this.#options;
    const file = this.#hosts.take(JSON.stringify(config), () => followHosts(config, clock, log));
    return () => file.hosts;
  };

  readonly hostSearch = (): readonly string[] => {
    try {
      return searchOf(readFileSync(RESOLV_CONF, 'utf8'));
    } catch (error) {
      this.#options.log.warn('search path cannot be read', { file: RESOLV_CONF, error: errorMessage(error) });
      return [];
    }
  };

  forwarderList(): readonly Forwarder[] {
    return [...this.#forwarders.values()];
  }

  hostsFiles(): readonly HostsFile[] {
    return [...this.#hosts.values()];
  }

  /** Counters go on over a change of the configuration. */
  readonly metrics = (key: string): DnsMetrics => {
    const known = this.#metrics.get(key) ?? new DnsMetrics();
    this.#metrics.set(key, known);
    return known;
  };

  settle(): void {
    for (const pool of [this.#clusters, this.#forwarders, this.#hosts]) pool.settle();
  }

  abandon(): void {
    for (const pool of [this.#clusters, this.#forwarders, this.#hosts]) pool.abandon();
  }
}

const RESOLV_CONF = '/etc/resolv.conf';

function serversOf(file: string): readonly { host: string; port: number; tls: boolean }[] {
  return nameserversOf(readNamed(file)).flatMap((text) => serverTarget(text, false) ?? []);
}

/** A file that the configuration names. */
function readNamed(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const hint = 'forward names it: put it there, or name another';
    throw new CodedError('ECOREFILE', `Cannot read "${file}": ${errorMessage(error)}`, { hint, cause: error });
  }
}

/** CoreDNS's three forms: CA; certificate and key; certificate, key and CA. */
function tlsOf({ tlsServerName, tlsFiles }: ForwardConfig): NonNullable<ServerAddress['tls']> {
  const [first, second, third] = tlsFiles.map(readNamed);
  const files = second === undefined ? { ca: first } : { cert: first, key: second, ca: third };
  return { serverName: tlsServerName, ...files };
}

/** Without `cache` nothing is kept. */
function cacheOptions(cache: CacheConfig | undefined): Partial<ForwarderOptions> {
  if (cache === undefined) return { keeps: () => false };
  const { success, denial, servfailMs, prefetch, stale, zones, keepTtl, exceptSuccess, exceptDenial } = cache;
  return {
    maxEntries: success.entries + denial.entries,
    ttlLimits: { success, denial, failureSeconds: servfailMs / 1000 },
    prefetchPart: prefetch.amount === 0 ? 0 : prefetch.part,
    staleMs: (stale ?? DEFAULT_CACHE.stale)?.ms,
    staleAtOnce: stale?.immediately === true,
    keepTtl,
    keeps: (key, { answers }) => {
      const name = key.slice(0, -2);
      const except = answers > 0 ? exceptSuccess : exceptDenial;
      return zones.some((zone) => isBelow(name, zone)) && !except.some((zone) => isBelow(name, zone));
    },
  };
}

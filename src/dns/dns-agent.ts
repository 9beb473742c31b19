import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { Connection } from '#client/kubeconfig.ts';
import type { ConnectionConfig, ServerConfig } from './corefile/server-config.ts';
import { DnsParts } from './dns-parts.ts';
import { type DnsServer, startDnsServer } from './dns-server.ts';
import { checkHealth, healthMetrics } from './health-check.ts';
import { type ForwarderMetrics, metricsText, type ServerMetrics } from './metrics-text.ts';
import type { Monitor } from './monitor.ts';
import { type MonitorServer, startMonitorServer } from './monitor-server.ts';
import { Pool } from './pool.ts';
import type { Resolve } from './resolver.ts';
import { portResolvers } from './port-resolvers.ts';

export interface DnsAgentOptions {
  /** The API server that a configuration means; undefined: the one that is meant when nothing is said. */
  readonly connection: (config: ConnectionConfig | undefined) => Connection;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a cluster is known, before anybody is answered from it. */
  readonly onKnown?: (() => void) | undefined;
  /** Where the lines of `log` go. */
  readonly print: (line: string) => void;
}

interface Listener {
  resolve: Resolve;
  readonly server: DnsServer;
}

/** A DNS server of a configuration, which may be replaced while it answers. */
export class DnsAgent {
  readonly #options: DnsAgentOptions;
  readonly #parts: DnsParts;
  readonly #listeners = new Pool<Listener>(({ server }) => server.close());
  readonly #monitors = new Pool<Promise<MonitorServer>>(
    (server) =>
      void server.then(
        (open) => open.close(),
        () => {},
      ),
  );
  readonly #monitor: Monitor;
  #servers: readonly ServerMetrics[] = [];
  #forwarders: readonly ForwarderMetrics[] = [];
  #lameduckMs = 0;
  /** Done when the last that came is: what they share is taken by one at a time. */
  #applied: Promise<void> = Promise.resolve();
  #failedReloads = 0;
  readonly #health = healthMetrics();
  readonly #checks = new Pool<Disposable>((check) => check[Symbol.dispose]());

  constructor(options: DnsAgentOptions) {
    this.#options = options;
    this.#parts = new DnsParts(options);
    this.#monitor = {
      isReady: () => this.#parts.isReady,
      metrics: () => this.#metricsText(),
      leaving: false,
    };
  }

  get isReady(): boolean {
    return this.#parts.isReady;
  }

  /** After those that came before. @throws when it cannot be followed; then everything is as it was before. */
  apply(servers: readonly ServerConfig[]): Promise<void> {
    const applied = this.#applied.then(() => this.#apply(servers));
    this.#applied = applied.catch(() => {});
    return applied;
  }

  async #apply(servers: readonly ServerConfig[]): Promise<void> {
    try {
      const { resolvers, metrics, forwarders } = portResolvers(servers, this.#parts, this.#options);
      const next = [...resolvers].map(([key, { host, port, resolve }]) => ({
        resolve,
        listener: this.#listeners.take(key, () => this.#listen(host, port)),
      }));
      const monitors = monitorAddresses(servers).map(({ host, port }) =>
        this.#monitors.take(`${host} ${port}`, () => this.#openMonitor(host, port)),
      );
      await Promise.all([...next.map(({ listener }) => listener.server.ready), ...monitors]);
      // All at once: no query is answered half by the old and half by the new.
      for (const { resolve, listener } of next) listener.resolve = resolve;
      this.#servers = metrics;
      this.#forwarders = forwarders;
      this.#lameduckMs = Math.max(0, ...servers.map(({ health }) => health?.lameduckMs ?? 0));
    } catch (error) {
      this.#listeners.abandon();
      this.#monitors.abandon();
      this.#parts.abandon();
      throw error;
    }
    for (const { health } of servers) {
      if (health === undefined) continue;
      this.#checks.take(`${health.host} ${health.port}`, () => checkHealth(health, this.#health, this.#options.clock));
    }
    this.#checks.settle();
    this.#listeners.settle();
    this.#monitors.settle();
    this.#parts.settle();
  }

  /** The same, but one that cannot be followed is only told of; undefined: there is nothing new. */
  async reapply(read: () => readonly ServerConfig[] | undefined): Promise<void> {
    const { log } = this.#options;
    try {
      const servers = read();
      if (servers === undefined) return;
      await this.apply(servers);
      log.info('configuration is replaced');
    } catch (error) {
      this.#failedReloads++;
      log.error('configuration is not replaced', { error: errorMessage(error) });
    }
  }

  /** Says that we are leaving, answers on while others hear of it, then closes everything. */
  async leave(): Promise<void> {
    this.#monitor.leaving = true;
    if (this.#lameduckMs > 0) await this.#options.clock.sleep(this.#lameduckMs);
    await this.apply([]);
  }

  #listen(host: string, port: number): Listener {
    const { clock, log } = this.#options;
    const refuse: Resolve = () => undefined;
    const server = startDnsServer({
      resolve: (bytes, transport, client) => listener.resolve(bytes, transport, client),
      listen: { host, port },
      clock,
      log,
    });
    const listener: Listener = { resolve: refuse, server };
    return listener;
  }

  #openMonitor(host: string, port: number): Promise<MonitorServer> {
    const server = startMonitorServer({ monitor: this.#monitor, host: host === '' ? undefined : host, port });
    server.catch(() => {});
    return server;
  }

  #metricsText(): string {
    return metricsText({
      servers: this.#servers,
      forwarders: this.#forwarders,
      version: this.#options.version,
      programming: this.#parts.latency.seconds,
      failedReloads: this.#failedReloads,
      health: this.#health,
      hosts: this.#parts.hostsFiles(),
      api: this.#parts.api,
    });
  }
}

function monitorAddresses(
  servers: readonly ServerConfig[],
): readonly { readonly host: string; readonly port: number }[] {
  return servers.flatMap(({ health, ready, prometheus }) =>
    [health, ready, prometheus].flatMap((address) => address ?? []),
  );
}

import type { Node } from '#api/generated/types.ts';
import type { Clock } from '#base/clock.ts';
import { exposition, EXPOSITION_TYPE, type Metric } from '#base/exposition.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import type { ProxyMode } from '../config/proxy-config.ts';
import type { SyncObserver } from '../sync-observer.ts';
import { servePages, type PageServerOptions, type TextAnswer } from './http-server.ts';
import { buildMetrics, type BuildInfo } from './build-metrics.ts';
import { PingMetrics } from './ping-metrics.ts';
import { processMetrics } from './process-metrics-agent.ts';
import { ProxyHealth, type HealthAnswer } from './proxy-health.ts';
import { ProxyMetrics } from './proxy-metrics.ts';

/** kube-proxy's ports. */
export const HEALTHZ_PORT = 10_256;
export const METRICS_PORT = 10_249;

export interface MonitorOptions {
  readonly mode: ProxyMode;
  readonly families: readonly IpFamily[];
  readonly build: BuildInfo;
  /** Metrics of others that are to be on the page. */
  readonly more?: (() => readonly Metric[]) | undefined;
  /** Shown at /configz. */
  readonly config?: object | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export type Place = Pick<PageServerOptions, 'at' | 'listen'>;

/** What a proxy tells of itself: to be its observer, told of its Node, and served at one place or two. */
export class ProxyMonitor {
  readonly observer: SyncObserver;
  readonly #options: MonitorOptions;
  readonly #metrics: ProxyMetrics;
  readonly #health: ProxyHealth;
  readonly #pings = new PingMetrics();

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { mode, families, clock } = options;
    const metrics = new ProxyMetrics(mode, families, clock);
    const health = new ProxyHealth({ families, clock, lastSync: (family) => metrics.lastSync(family) });
    this.#metrics = metrics;
    this.#health = health;
    this.observer = {
      watch: (figures) => metrics.watch(figures),
      changed: (what, trigger) => {
        metrics.changed(what, trigger);
        health.changed();
      },
      synced: (family, kind, ms) => {
        metrics.synced(family, kind, ms);
        health.synced(family);
      },
      settled: () => {
        metrics.settled();
        health.settled();
      },
      failed: (family, kind) => metrics.failed(family, kind),
      flowsReconciled: (family, ms, deleted) => metrics.flowsReconciled(family, ms, deleted),
    };
  }

  setNode(node: Node): void {
    this.#health.setNode(node);
  }

  /** Rejects where the first attempt to listen fails, and goes on to try. */
  serveHealth(place: Place): Promise<void> {
    const json = (path: 'healthz' | 'livez', { code, body }: HealthAnswer): TextAnswer => {
      this.#metrics.answered(path, code);
      return { code, body, type: 'application/json' };
    };
    return this.#serve('healthz', place, {
      '/healthz': () => json('healthz', this.#health.healthz()),
      '/livez': () => json('livez', this.#health.livez()),
    });
  }

  serveMetrics(place: Place): Promise<void> {
    const { mode, config } = this.#options;
    const text = (body: string, type: string = 'text/plain; charset=utf-8'): TextAnswer => ({ code: 200, type, body });
    const configz = (): string => JSON.stringify({ 'kubeproxy.config.k8s.io': config ?? { mode } }, bigints);
    return this.#serve('metrics', place, {
      '/metrics': () => text(exposition(this.#all()), EXPOSITION_TYPE),
      '/proxyMode': () => text(mode),
      '/metrics/slis': () => text(exposition(this.#pings.metrics()), EXPOSITION_TYPE),
      '/healthz': (query) => {
        this.#pings.count();
        return text(query.has('verbose') ? '[+]ping ok\nhealthz check passed\n' : 'ok');
      },
      '/healthz/ping': () => text('ok'),
      '/configz': () => text(configz(), 'application/json'),
    });
  }

  #all(): readonly Metric[] {
    const { build, clock, more } = this.#options;
    return [...this.#metrics.metrics(), ...(more?.() ?? []), ...processMetrics(clock), ...buildMetrics(build)];
  }

  #serve(name: string, place: Place, pages: PageServerOptions['pages']): Promise<void> {
    const { clock, log, signal } = this.#options;
    return servePages({ name, ...place, pages, clock, log, signal });
  }
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

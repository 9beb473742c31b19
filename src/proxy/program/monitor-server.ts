import { type Clock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import { exposition, EXPOSITION_TYPE } from '#base/exposition.ts';
import { type Log } from '#base/log.ts';
import { type ProxyConfig } from '../config/proxy-config.ts';
import { servePages, type PageServerOptions, type TextAnswer } from './http-server.ts';
import { processMetrics } from './process-metrics-agent.ts';
import { type HealthAnswer, type ProxyHealth } from './proxy-health.ts';
import { type ProxyMetrics } from './proxy-metrics.ts';

export interface MonitorOptions {
  readonly config: ProxyConfig;
  readonly metrics: ProxyMetrics;
  readonly health: ProxyHealth;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** kube-proxy's two servers. Resolves when both listen, or were refused their port and will try again. */
export async function serveMonitors(options: MonitorOptions): Promise<void> {
  const { config, clock, log, signal } = options;
  const serve = async (
    name: string,
    address: PageServerOptions['address'] | undefined,
    pages: PageServerOptions['pages'],
  ): Promise<void> => {
    if (address === undefined) return;
    try {
      await servePages({ name, address, pages, clock, log, signal });
    } catch (error) {
      if (!config.mustBind) return;
      const message = `Cannot serve ${name} at ${address.host}:${address.port}: ${errorMessage(error)}`;
      throw new CodedError('ELISTEN', message, { hint: `choose another --${name}-bind-address`, cause: error });
    }
  };
  await serve('healthz', config.healthz, healthPages(options));
  await serve('metrics', config.metrics, metricsPages(options));
}

function healthPages({ metrics, health }: MonitorOptions): PageServerOptions['pages'] {
  const json = (path: 'healthz' | 'livez', { code, body }: HealthAnswer): TextAnswer => {
    metrics.answered(path, code);
    return { code, body, type: 'application/json' };
  };
  return {
    '/healthz': () => json('healthz', health.healthz()),
    '/livez': () => json('livez', health.livez()),
  };
}

function metricsPages({ config, metrics, clock }: MonitorOptions): PageServerOptions['pages'] {
  const text = (body: string, type: string = 'text/plain; charset=utf-8'): TextAnswer => ({ code: 200, type, body });
  return {
    '/metrics': () => text(exposition([...metrics.metrics(), ...processMetrics(clock)]), EXPOSITION_TYPE),
    '/proxyMode': () => text(config.mode),
    '/healthz': () => text('ok'),
    '/configz': () => text(JSON.stringify({ 'kubeproxy.config.k8s.io': config }, bigints), 'application/json'),
  };
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

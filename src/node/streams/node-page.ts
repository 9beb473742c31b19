import { resourceMetrics } from '../stats/resource-metrics.ts';
import { type StatsSummary } from '../stats/stats-summary.ts';

export interface NodePage {
  readonly contentType: string;
  readonly body: string;
}

/** What a kubelet says of itself, on its paths. Undefined where there is no such page, or no such node. */
export function nodePage(target: string, summary: () => StatsSummary | undefined): NodePage | undefined {
  switch (URL.parse(target, 'http://node')?.pathname) {
    case '/healthz':
      return { contentType: 'text/plain; charset=utf-8', body: 'ok' };
    case '/stats/summary': {
      const value = summary();
      return value && { contentType: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
    }
    case '/metrics/resource': {
      const value = summary();
      return value && { contentType: 'text/plain; version=0.0.4; charset=utf-8', body: resourceMetrics(value) };
    }
    default:
      return undefined;
  }
}

import type { Metric } from '#base/exposition.ts';

const LABELS = { name: 'ping', type: 'healthz' } as const;

/**
 * The health checks of the metrics server, under the names that all parts of Kubernetes have for them (KEP-3466): one, which
 * only says that there is an answer.
 */
export class PingMetrics {
  #answers = 0;

  count(): void {
    this.#answers++;
  }

  metrics(): readonly Metric[] {
    if (this.#answers === 0) return [];
    return [
      {
        name: 'kubernetes_healthcheck',
        help: 'What a health check came to, 1 for success.',
        type: 'gauge',
        samples: [{ labels: LABELS, value: 1 }],
      },
      {
        name: 'kubernetes_healthchecks_total',
        help: 'How often health checks came to what.',
        type: 'counter',
        samples: [{ labels: { name: 'ping', status: 'success', type: 'healthz' }, value: this.#answers }],
      },
    ];
  }
}

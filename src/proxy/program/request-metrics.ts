import type { Clock } from '#base/clock.ts';
import type { Metric } from '#base/exposition.ts';
import { Histogram } from '#base/histogram.ts';
import type { RequestObserver } from '#client/https-transport.ts';

/** Those of component-base/metrics/prometheus/restclient, in seconds. */
const ENDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Requests to the API server, under the names that every client of Kubernetes written in Go has. */
export class RequestMetrics {
  readonly #clock: Clock;
  readonly #host: string;
  readonly #durations = new Map<string, Histogram>();
  /** By `method status`. */
  readonly #counts = new Map<string, number>();

  /** @param server its URL */
  constructor(server: string, clock: Clock) {
    this.#host = new URL(server).host;
    this.#clock = clock;
  }

  readonly observe: RequestObserver = (method) => {
    const began = this.#clock.monotonic();
    return (status) => {
      const durations = this.#durations.get(method) ?? new Histogram(ENDS);
      this.#durations.set(method, durations);
      durations.record((this.#clock.monotonic() - began) / 1000);
      const key = `${method} ${status ?? '<error>'}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    };
  };

  metrics(): readonly Metric[] {
    const host = this.#host;
    return [
      {
        name: 'rest_client_requests_total',
        help: 'Requests to the API server.',
        type: 'counter',
        samples: [...this.#counts].map(([key, value]) => {
          const [method = '', code = ''] = key.split(' ');
          return { labels: { code, host, method }, value };
        }),
      },
      {
        name: 'rest_client_request_duration_seconds',
        help: 'From a request to the head of its answer.',
        type: 'histogram',
        samples: [...this.#durations].flatMap(([verb, histogram]) => histogram.samples({ host, verb })),
      },
    ];
  }
}

import type { Clock } from '#base/clock.ts';
import type { RequestObserver } from '#client/https-transport.ts';
import { Histogram } from './histogram.ts';

/** Those of Prometheus' libraries, which client-go's metrics have in CoreDNS: seconds. */
const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests to API servers. */
export class ApiMetrics {
  /** Seconds, by verb and host. */
  readonly durations: Map<string, Histogram> = new Map();
  /** By status, method and host. */
  readonly requests: Map<string, number> = new Map();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  observer(server: string): RequestObserver {
    const { host } = new URL(server);
    return (method) => {
      const start = this.#clock.monotonic();
      return (status) => {
        const key = `${method} ${host}`;
        const known = this.durations.get(key) ?? new Histogram(BUCKETS);
        this.durations.set(key, known);
        known.observe((this.#clock.monotonic() - start) / 1000);
        // client-go's word for a request without an answer.
        const line = `${status ?? '<error>'} ${method} ${host}`;
        this.requests.set(line, (this.requests.get(line) ?? 0) + 1);
      };
    };
  }
}

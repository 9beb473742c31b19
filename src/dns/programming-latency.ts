import type { Clock } from '#base/clock.ts';
import type { EndpointSlice } from '#api/generated/types.ts';
import { Histogram } from './histogram.ts';

/** On slices, by the controller that writes them: when the Pod or the Service changed that the slice tells of. */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
/** CoreDNS's: seconds, from 1 ms to 9 minutes. */
const BUCKETS: readonly number[] = Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i);

/** From a change of a headless Service's endpoints to the answer with it: the DNS programming latency of SIG Scalability. */
export class ProgrammingLatency {
  readonly seconds: Histogram = new Histogram(BUCKETS);
  readonly #clock: Clock;
  readonly #since: number;

  /** What happened before now is not counted: we were not there. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** The slice is in the zone. */
  programmed({ metadata }: EndpointSlice): void {
    const at = Date.parse(metadata.annotations?.[TRIGGER_TIME] ?? '');
    // The annotation may have whole seconds.
    if (at >= this.#since - 1000) this.seconds.observe(Math.max(0, this.#clock.now() - at) / 1000);
  }
}

import { DURATION_BUCKETS, Histogram } from './histogram.ts';

/** What one server costs us, as CoreDNS counts it. */
export class UpstreamMetrics {
  /** Seconds to an answer, by its code. */
  readonly durations: Map<number, Histogram> = new Map();
  /** Questions over a socket that was open, and over one that had to be opened. */
  readonly reused: { udp: number; tcp: number } = { udp: 0, tcp: 0 };
  readonly opened: { udp: number; tcp: number } = { udp: 0, tcp: 0 };
  failedProbes = 0;

  answered(rcode: number, seconds: number): void {
    const known = this.durations.get(rcode) ?? new Histogram(DURATION_BUCKETS);
    this.durations.set(rcode, known);
    known.observe(seconds);
  }
}

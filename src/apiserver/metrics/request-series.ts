import type { LabelSet, Sample } from '#base/exposition.ts';
import { Histogram } from '#base/histogram.ts';

/** Upper ends of the buckets in seconds, those of kube-apiserver, so that its dashboards fit. */
const BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
] as const;

/** Requests that differ in nothing but their answer. */
export class RequestSeries {
  readonly #labels: LabelSet;
  readonly #codes = new Map<number, number>();
  readonly #seconds = new Histogram(BUCKETS);

  constructor(labels: LabelSet) {
    this.#labels = labels;
  }

  record(code: number, seconds: number): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    this.#seconds.record(seconds);
  }

  totals(): readonly Sample[] {
    const more = { component: 'apiserver', dry_run: '' };
    return [...this.#codes].map(([code, value]) => ({
      labels: { code: String(code), ...more, ...this.#labels },
      value,
    }));
  }

  durations(): readonly Sample[] {
    return this.#seconds.samples({ component: 'apiserver', dry_run: '', ...this.#labels });
  }
}

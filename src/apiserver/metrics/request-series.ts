import { type LabelSet, type Sample } from './exposition.ts';

/** Upper ends of the buckets in seconds, those of kube-apiserver, so that its dashboards fit. */
const BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
] as const;

/** Requests that differ in nothing but their answer. */
export class RequestSeries {
  readonly #labels: LabelSet;
  readonly #codes = new Map<number, number>();
  /** One more than there are ends. */
  readonly #buckets = new Float64Array(BUCKETS.length + 1);
  #sum = 0;

  constructor(labels: LabelSet) {
    this.#labels = labels;
  }

  record(code: number, seconds: number): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    this.#sum += seconds;
    let i = 0;
    while (seconds > (BUCKETS[i] ?? Infinity)) i++;
    this.#buckets[i] = (this.#buckets[i] ?? 0) + 1;
  }

  totals(): readonly Sample[] {
    const more = { component: 'apiserver', dry_run: '' };
    return [...this.#codes].map(([code, value]) => ({
      labels: { code: String(code), ...more, ...this.#labels },
      value,
    }));
  }

  durations(): readonly Sample[] {
    const labels = { component: 'apiserver', dry_run: '', ...this.#labels };
    let count = 0;
    const buckets = [...this.#buckets].map((inBucket, i) => {
      count += inBucket;
      return { suffix: '_bucket', labels: { ...labels, le: String(BUCKETS[i] ?? '+Inf') }, value: count };
    });
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }];
  }
}

/** CoreDNS's buckets, seconds. */
export const DURATION_BUCKETS: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);

export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  #last = 0;
  #lastBucket = 0;

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? 0)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    this.#last = value;
    this.#lastBucket = bucket;
  }

  /** One more like the last. */
  repeat(): void {
    this.counts[this.#lastBucket] = (this.counts[this.#lastBucket] ?? 0) + 1;
    this.sum += this.#last;
  }
}

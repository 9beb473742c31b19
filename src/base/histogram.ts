import type { LabelSet, Sample } from './exposition.ts';

/** Counts of values by size, as Prometheus wants them. `ends` are the upper ends of the buckets, ascending. */
export class Histogram {
  readonly #ends: readonly number[];
  /** One more than there are ends. */
  readonly #buckets: Float64Array;
  #sum = 0;

  constructor(ends: readonly number[]) {
    this.#ends = ends;
    this.#buckets = new Float64Array(ends.length + 1);
  }

  record(value: number, times: number = 1): void {
    this.#sum += value * times;
    let i = 0;
    while (value > (this.#ends[i] ?? Infinity)) i++;
    this.#buckets[i] = (this.#buckets[i] ?? 0) + times;
  }

  samples(labels: LabelSet = {}): readonly Sample[] {
    let count = 0;
    const buckets = [...this.#buckets].map((inBucket, i) => {
      count += inBucket;
      return { suffix: '_bucket', labels: { ...labels, le: String(this.#ends[i] ?? '+Inf') }, value: count };
    });
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }];
  }
}

/** `count` ends, each `factor` times the one before. */
export function exponentialEnds(first: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first * factor ** i);
}

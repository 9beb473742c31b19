interface Recommendation {
  readonly replicas: number;
  readonly at: number;
}

interface Change {
  /** Replicas added, or taken away where negative. */
  readonly by: number;
  readonly at: number;
}

/** No window of time may be longer: the API allows an hour. */
const LONGEST_MS = 3_600_000;

/** What was recommended for one target, and what was done to it, in the last hour. */
export class ScaleHistory {
  #recommendations: Recommendation[] = [];
  #changes: Change[] = [];

  /** Before anything is recommended, the size that was found counts as recommended. */
  begin(replicas: number, now: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas, at: now });
  }

  recommend(replicas: number, now: number): void {
    this.#recommendations = this.#recommendations.filter(({ at }) => at > now - LONGEST_MS);
    this.#recommendations.push({ replicas, at: now });
  }

  change(by: number, now: number): void {
    this.#changes = this.#changes.filter(({ at }) => at > now - LONGEST_MS);
    this.#changes.push({ by, at: now });
  }

  /** The least that was recommended within the window, or `replicas` where that is less. */
  lowest(replicas: number, windowSeconds: number, now: number): number {
    return Math.min(replicas, ...this.#since(this.#recommendations, windowSeconds, now).map((one) => one.replicas));
  }

  highest(replicas: number, windowSeconds: number, now: number): number {
    return Math.max(replicas, ...this.#since(this.#recommendations, windowSeconds, now).map((one) => one.replicas));
  }

  /** By how much the target grew within the period, less what was taken away. */
  grown(periodSeconds: number, now: number): number {
    return this.#since(this.#changes, periodSeconds, now).reduce((sum, { by }) => sum + by, 0);
  }

  #since<T extends { readonly at: number }>(list: readonly T[], seconds: number, now: number): readonly T[] {
    return list.filter(({ at }) => at > now - seconds * 1000);
  }
}

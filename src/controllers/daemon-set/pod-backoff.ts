interface Wait {
  readonly until: number;
  readonly delay: number;
}

/** How long to leave alone what failed: twice as long each time, and from the start again after a long peace. */
export class PodBackoff {
  readonly #base: number;
  readonly #max: number;
  readonly #waits = new Map<string, Map<string, Wait>>();

  constructor(baseMs: number, maxMs: number) {
    this.#base = baseMs;
    this.#max = maxMs;
  }

  note(group: string, key: string, now: number): void {
    const waits = this.#waits.get(group) ?? new Map<string, Wait>();
    this.#waits.set(group, waits);
    const before = waits.get(key);
    const isFresh = before === undefined || now - before.until > 2 * this.#max;
    const delay = isFresh ? this.#base : Math.min(2 * before.delay, this.#max);
    waits.set(key, { until: now + delay, delay });
  }

  isWaiting(group: string, key: string, now: number): boolean {
    return (this.#waits.get(group)?.get(key)?.until ?? 0) > now;
  }

  /** Ms until the first wait of the group is over; undefined when none lasts. */
  nextIn(group: string, now: number): number | undefined {
    const left = [...(this.#waits.get(group)?.values() ?? [])].map(({ until }) => until - now).filter((ms) => ms > 0);
    return left.length === 0 ? undefined : Math.min(...left);
  }

  forget(group: string): void {
    this.#waits.delete(group);
  }
}

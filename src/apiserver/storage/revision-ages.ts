import type { Clock } from '#base/clock.ts';

/** So often is noted which revision is the present one. Milliseconds, as below. */
const SAMPLE_MS = 30_000;

/** Tells revisions of the recent past from older ones, to half a minute. */
export class RevisionAges {
  readonly #clock: Clock;
  readonly #keepMs: number;
  /** The oldest first; of those that are older than what is kept only the last. */
  #samples: { readonly revision: number; readonly at: number }[] = [];

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** To be called with each new revision. */
  note(revision: number): void {
    const now = this.#clock.monotonic();
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < SAMPLE_MS) return;
    this.#samples.push({ revision, at: now });
    const kept = this.#samples.findLastIndex(({ at }) => now - at >= this.#keepMs);
    if (kept > 0) this.#samples = this.#samples.slice(kept);
  }

  /** The revision that was the present one `keepMs` ago; 0 where it is not known. Those before it are past. */
  get oldest(): number {
    const now = this.#clock.monotonic();
    return this.#samples.findLast(({ at }) => now - at >= this.#keepMs)?.revision ?? 0;
  }
}

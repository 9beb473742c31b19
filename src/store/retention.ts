import type { Clock } from '#base/clock.ts';

export interface RetentionLimits {
  /** History is kept for so long: page tokens and interrupted watches live as long. @default 300000 */
  readonly ms?: number;
  /** But never more transactions than this, since history lies in memory. @default 10000 */
  readonly revisions?: number;
}

/** Decides how much history to forget. */
export class Retention {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #revisions: number;
  /** What the revision was when, oldest first. */
  #marks: { readonly at: number; readonly revision: number }[] = [];

  constructor(clock: Clock, limits: RetentionLimits = {}) {
    this.#clock = clock;
    this.#ms = limits.ms ?? 300_000;
    this.#revisions = limits.revisions ?? 10_000;
  }

  /** How often to ask: history is then kept at most a fifth longer than said. */
  get intervalMs(): number {
    return this.#ms / 5;
  }

  /** Whether to ask before the interval is over. The fifth on top makes it rare. */
  isOver(revision: number, compacted: number): boolean {
    return revision - compacted > this.#revisions * 1.2;
  }

  /** The revision to compact at now. */
  target(revision: number): number {
    const now = this.#clock.monotonic();
    this.#marks.push({ at: now, revision });
    const expired = this.#marks.findLast((mark) => mark.at <= now - this.#ms);
    const target = Math.max(expired?.revision ?? 0, revision - this.#revisions, 0);
    this.#marks = this.#marks.filter((mark) => mark.revision > target);
    return target;
  }
}

import type { Clock } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** First delay after a failure, ms; doubles with each further one. @default 5 */
  readonly baseDelayMs?: number;
  /** Longest delay after a failure, ms. @default 60000 */
  readonly maxDelayMs?: number;
  /** How many keys may be worked on at once. @default 1 */
  readonly concurrency?: number;
  /** Told of each failure; the key is tried again either way. */
  readonly onError?: (key: string, error: unknown, failures: number) => void;
}

/**
 * Keys to be worked on, each at most once in the queue and never twice at the same time. A key added while it is worked
 * on runs again afterwards; a key whose work throws comes back after a delay that doubles.
 */
export class WorkQueue {
  readonly #work: (key: string) => Promise<void> | void;
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { at: number; timer: Disposable }>();
  readonly #idle: (() => void)[] = [];
  #pumping = false;
  #stopped = false;

  constructor(work: (key: string) => Promise<void> | void, options: WorkQueueOptions) {
    this.#work = work;
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#active.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#schedule();
  }

  /** Adds the key after `ms`; an earlier time that is already set stands. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#options.clock.monotonic() + ms;
    const before = this.#delayed.get(key);
    if (before !== undefined && before.at <= at) return;
    before?.timer[Symbol.dispose]();
    const timer = this.#options.clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, timer });
  }

  /** Resolves when nothing is queued or worked on (delayed keys do not count). */
  idle(): Promise<void> {
    if (this.#ready.size === 0 && this.#active.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  stop(): void {
    this.#stopped = true;
    this.#ready.clear();
    this.#again.clear();
    for (const { timer } of this.#delayed.values()) timer[Symbol.dispose]();
    this.#delayed.clear();
    this.#settle();
  }

  #schedule(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // A microtask, so that a burst of adds in one turn is one pass.
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#active.size >= (this.#options.concurrency ?? 1)) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#work(key);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const base = this.#options.baseDelayMs ?? 5;
      const delay = Math.min(base * 2 ** (failures - 1), this.#options.maxDelayMs ?? 60_000);
      this.addAfter(key, delay);
      this.#options.onError?.(key, error, failures);
    }
    this.#active.delete(key);
    if (this.#again.delete(key)) this.#ready.add(key);
    // Not at once: work that throws before it first waits would come here from within the pump, one frame a key.
    if (this.#ready.size > 0) this.#schedule();
    this.#settle();
  }

  #settle(): void {
    if (this.#ready.size > 0 || this.#active.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

import type { Clock } from '#base/clock.ts';

export interface LullOptions {
  readonly clock: Clock;
  /** So long nothing happens, ms. */
  readonly quietMs: number;
  /** So long it is waited for at most, ms. */
  readonly longestMs: number;
  readonly onLull: (key: string) => void;
}

/** Puts off what a key is in for until it has come to rest. */
export class Lull {
  readonly #options: LullOptions;
  readonly #waiting = new Map<string, { readonly timer: Disposable; readonly latest: number }>();

  constructor(options: LullOptions) {
    this.#options = options;
  }

  disturb(key: string): void {
    const { clock, quietMs, longestMs, onLull } = this.#options;
    const now = clock.monotonic();
    const known = this.#waiting.get(key);
    known?.timer[Symbol.dispose]();
    const latest = known?.latest ?? now + longestMs;
    const timer = clock.after(Math.max(0, Math.min(quietMs, latest - now)), () => {
      this.#waiting.delete(key);
      onLull(key);
    });
    this.#waiting.set(key, { timer, latest });
  }
}

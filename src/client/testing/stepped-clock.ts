import { type Clock, systemClock } from '#base/clock.ts';

/** Nobody has to wait: whoever sleeps wakes at once, and that much time has passed. */
export class SteppedClock implements Clock {
  /** How long each sleep was. */
  readonly slept: number[] = [];
  #now = 0;

  readonly now = (): number => this.#now;
  readonly monotonic = (): number => this.#now;

  after(ms: number, run: () => void): Disposable {
    this.#now += ms;
    return systemClock.after(0, run);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    this.#now += ms;
    return systemClock.sleep(0, signal);
  }
}

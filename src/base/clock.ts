/**
 * Time as a value that is passed in. Everything outside this file takes a `Clock`, so that tests step it by hand and
 * the linter can forbid `Date.now` and `setTimeout` everywhere else.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; disposing the result before then cancels the call. */
  after(ms: number, fn: () => void): Disposable;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** RFC 3339 with whole seconds, the form of `metav1.Time`. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** RFC 3339 with microseconds, the form of `metav1.MicroTime`. */
export function rfc3339Micro(ms: number): string {
  const micros = Math.floor((ms % 1000) * 1000);
  return new Date(ms).toISOString().replace(/\.\d+Z$/, `.${String(micros).padStart(6, '0')}Z`);
}

function sleepOn(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason as Error);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** What `setTimeout` can wait for, 25 days; told to wait longer it calls at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      timer = setTimeout(() => (left > LONGEST_MS ? wait(left - LONGEST_MS) : fn()), Math.min(left, LONGEST_MS));
    };
    wait(ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
};

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until a test moves it with `advance`. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  #pending: Pending[] = [];

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Disposable {
    const entry: Pending = { at: this.#now + ms, order: this.#order++, fn };
    this.#pending.push(entry);
    return {
      [Symbol.dispose]: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Moves time on by `ms`, running what falls due in order, and lets promises settle between the calls. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#pending.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#pending = this.#pending.filter((entry) => entry !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }
}

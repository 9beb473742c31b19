import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { formatSeconds } from '../pod/restart-backoff.ts';
import { ProbeTimeout, type ProbeResult } from './attempt.ts';
import type { ProbeSpec, ProbeTarget } from './probe-spec.ts';

/** Tries once; rejects or answers, at the latest when `signal` aborts. */
export type ProbeAttempt = (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>;

export interface ProbeAgentOptions {
  readonly clock: Clock;
  readonly attempt: ProbeAttempt;
  /** Called when the verdict changes, and first when there is one. */
  readonly onVerdict: (ok: boolean, message: string) => void;
  /** Called for each failure that counts. */
  readonly onFailure: (message: string) => void;
  /** Called when it could not be tried, which counts for nothing. */
  readonly onErrored: (message: string) => void;
  /** Called for each success with something to say. */
  readonly onWarning: (message: string) => void;
}

/** Between the first attempts, until a container has come up: waiting a whole period would make it late by as much. */
const EAGER_MS = 50;

/** One probe of one run of a container. */
export class ProbeAgent implements Disposable {
  readonly spec: ProbeSpec;
  readonly #options: ProbeAgentOptions;
  #timer: Disposable | undefined;
  #stopped = false;
  #verdict: boolean | undefined;
  #streak = 0;
  #lastOk: boolean | undefined;
  #eagerMs = EAGER_MS;

  constructor(spec: ProbeSpec, options: ProbeAgentOptions) {
    this.spec = spec;
    this.#options = options;
    this.#schedule(spec.delayMs);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(ms: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(ms, () => {
      void this.#probe();
    });
  }

  async #probe(): Promise<void> {
    const result = await this.#attempt();
    if (this.#stopped) return;
    this.#schedule(this.#judge(result));
  }

  /** Returns when to try next. */
  #judge(result: ProbeResult): number {
    const { periodMs, successes, failures } = this.spec;
    if (!result.ok && result.errored === true) {
      this.#options.onErrored(result.message);
      return periodMs;
    }
    // Failures while a container comes up do not count until a period has passed: they were extra attempts.
    if (!result.ok && this.#verdict === undefined && this.#isEager() && this.#eagerMs < periodMs) {
      const wait = this.#eagerMs;
      this.#eagerMs *= 2;
      return wait;
    }
    this.#streak = result.ok === this.#lastOk ? this.#streak + 1 : 1;
    this.#lastOk = result.ok;
    if (!result.ok) this.#options.onFailure(result.message);
    else if (result.warning !== undefined) this.#options.onWarning(result.warning);
    if (this.#streak >= (result.ok ? successes : failures) && this.#verdict !== result.ok) {
      this.#verdict = result.ok;
      this.#options.onVerdict(result.ok, result.ok ? '' : result.message);
    }
    return periodMs;
  }

  /** A liveness probe that fails too often kills, so it never tries more often than asked. */
  #isEager(): boolean {
    return this.spec.kind !== 'liveness';
  }

  async #attempt(): Promise<ProbeResult> {
    const { clock, attempt } = this.#options;
    const abort = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = clock.after(this.spec.timeoutMs, () => {
      abort.abort(new ProbeTimeout(formatSeconds(this.spec.timeoutMs)));
    });
    // After the attempt itself, whose words are better; but its silence must not end the probing.
    const end = clock.after(this.spec.timeoutMs + 100, () => late.reject(abort.signal.reason));
    try {
      return await Promise.race([attempt(this.spec.target, abort.signal), late.promise]);
    } catch (error) {
      return { ok: false, message: errorMessage(error) };
    } finally {
      timer[Symbol.dispose]();
      end[Symbol.dispose]();
    }
  }
}

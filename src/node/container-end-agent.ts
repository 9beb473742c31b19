import type { Clock } from '#base/clock.ts';
import type { ContainerRun } from './sandbox/container-run-sync.ts';

export interface ContainerEndOptions {
  readonly clock: Clock;
  readonly run: Pick<ContainerRun, 'kill'>;
  readonly signal: NodeJS.Signals;
  /** What is done before the signal, for as long as there is time. Never rejects. */
  readonly hook: (signal: AbortSignal) => Promise<void>;
  /** Who has to have ended before; the hook does not wait for that. */
  readonly turn: Promise<unknown>;
}

/** As a kubelet's minimumGracePeriodInSeconds. */
export const LEAST_GRACE_MS = 2000;

/** How one run of a container is ended: its hook and its turn, its signal, and SIGKILL when its time is over. */
export class ContainerEnd implements Disposable {
  readonly #options: ContainerEndOptions;
  readonly #late = new AbortController();
  /** Between signal and SIGKILL there is so much even for who has used up all his time, or waited too long. */
  readonly #leastMs: number;
  #at: number;
  #timer: Disposable;
  #told = false;
  #over = false;

  constructor(options: ContainerEndOptions, graceMs: number) {
    this.#options = options;
    this.#leastMs = Math.min(LEAST_GRACE_MS, graceMs);
    this.#at = options.clock.monotonic() + graceMs;
    this.#timer = this.#arm(graceMs);
    if (graceMs > 0) void this.#prepare();
    else this.#tell();
  }

  /** A deadline that is already nearer stands. */
  hurry(graceMs: number): void {
    const at = this.#options.clock.monotonic() + graceMs;
    if (at >= this.#at) return;
    this.#at = at;
    this.#timer[Symbol.dispose]();
    this.#timer = this.#arm(graceMs);
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer[Symbol.dispose]();
  }

  async #prepare(): Promise<void> {
    const late = new Promise((resolve) => this.#late.signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([Promise.all([this.#options.hook(this.#late.signal), this.#options.turn]), late]);
    if (!this.#over) this.#tell();
  }

  #tell(): void {
    const { clock, run, signal } = this.#options;
    this.#told = true;
    run.kill(signal);
    this.#timer[Symbol.dispose]();
    this.#timer = this.#arm(Math.max(this.#at - clock.monotonic(), this.#leastMs));
  }

  #arm(ms: number): Disposable {
    const { clock, run } = this.#options;
    return clock.after(ms, () => {
      if (this.#told) run.kill('SIGKILL');
      else this.#late.abort(new Error('grace period is over'));
    });
  }
}

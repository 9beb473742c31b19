const FIRST_MS = 10_000;
const MAX_MS = 300_000;
/** A run as long as this makes the crashes before it forgotten. */
const FORGIVEN_MS = 2 * MAX_MS;

/** How long a container has to wait before it may run again. The first restart is at once. */
export class RestartBackoff {
  #delayMs = 0;

  get delayMs(): number {
    return this.#delayMs;
  }

  /** When it may start again that ended at `finishedAt`. */
  readyAt(finishedAt: number): number {
    return finishedAt + this.#delayMs;
  }

  /** To be told of each end, before `readyAt` is asked. */
  ended(startedAt: number, finishedAt: number): void {
    if (finishedAt - startedAt >= FORGIVEN_MS) this.#delayMs = 0;
  }

  restarted(): void {
    this.#delayMs = Math.min(this.#delayMs === 0 ? FIRST_MS : this.#delayMs * 2, MAX_MS);
  }
}

/** `10s`, `2m40s`: as Go prints durations, which is what users know from `kubectl describe`. */
export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

import type { Pod } from '#api/generated/types.ts';
import type { ContainerView } from './container-view.ts';
import { podFullName } from './pod-full-name.ts';

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

/** `350ms`, `1.204s`, `1m2.5s`: the same with fractions. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${Number(((ms - minutes * 60_000) / 1000).toFixed(3))}s`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** Of a container that waits for its next run. */
export function crashLoopMessage({ name, backoffMs }: ContainerView, pod: Pod): string {
  return `back-off ${formatSeconds(backoffMs)} restarting failed container=${name} pod=${podFullName(pod)}`;
}

export function backOffEvent(container: string, pod: Pod): string {
  return `Back-off restarting failed container ${container} in pod ${podFullName(pod)}`;
}

import type { PodMeasure } from './pod-measure.ts';

/** Processors that containers used lately, from counters that only grow. */
export interface CpuRates {
  /** Billionths of a processor; 0 for a run that was not measured. */
  of(id: string): number;
}

interface Sample {
  readonly atMs: number;
  readonly cpuNanoseconds: number;
}

/** Over less than this a rate says more about the scheduler than about the program. */
const MIN_WINDOW_MS = 1000;
/** Who looks after a longer time wants to know about now. */
const MAX_WINDOW_MS = 60_000;

/**
 * Remembers, for each run of a container, the last measure that is old enough to compare with: nothing is measured
 * while nobody asks. The first time a rate is the average since the container began.
 */
export class CpuRateMeter {
  #samples = new Map<string, readonly Sample[]>();

  /** `now` in milliseconds, of the same clock as the times of `pods`. */
  measure(pods: readonly PodMeasure[], now: number): CpuRates {
    const kept = new Map<string, readonly Sample[]>();
    const rates = new Map<string, number>();
    for (const { id, startedAt, usage } of pods.flatMap(({ containers }) => containers)) {
      const sample = { atMs: now, cpuNanoseconds: usage.cpuNanoseconds };
      const known = (this.#samples.get(id) ?? []).filter(({ atMs }) => now - atMs <= MAX_WINDOW_MS);
      const from = known.findLast(({ atMs }) => now - atMs >= MIN_WINDOW_MS) ??
        known[0] ?? { atMs: startedAt, cpuNanoseconds: 0 };
      rates.set(id, rateOf(from, sample));
      // The newest that will be old enough next time, and those after it.
      const old = known.findLastIndex(({ atMs }) => now - atMs >= MIN_WINDOW_MS);
      kept.set(id, [...known.slice(Math.max(0, old)), sample].slice(-MAX_SAMPLES));
    }
    this.#samples = kept;
    return { of: (id) => rates.get(id) ?? 0 };
  }
}

const MAX_SAMPLES = 16;

function rateOf(from: Sample, to: Sample): number {
  const milliseconds = to.atMs - from.atMs;
  return milliseconds <= 0 ? 0 : Math.round(((to.cpuNanoseconds - from.cpuNanoseconds) * 1000) / milliseconds);
}

import type { Clock } from '#base/clock.ts';

export interface MemoryWatchOptions {
  readonly clock: Clock;
  /** Resident bytes now. */
  readonly resident: () => number;
  /** The part of the time since it was last asked that something ran; 0 to 1. */
  readonly busyPart: () => number;
  readonly trim: () => Promise<void>;
}

const INTERVAL_MS = 5000;
/** Less is not worth the pause. */
const GROWTH_BYTES = 4_000_000;
/** A trim is a pause of some 50 ms: here nearly nobody meets it. */
const QUIET_PART = 0.1;

/**
 * Trims when memory has grown and there is little to do. The first answers leave behind what the compiler needed, and a heap
 * whose young part is as large as it may be; the engine gives neither back by itself while the process has little to do.
 */
export function watchMemory({ clock, resident, busyPart, trim }: MemoryWatchOptions): Disposable {
  let lowest = resident();
  let timer: Disposable | undefined;
  let done = false;
  const look = async (): Promise<void> => {
    const quiet = busyPart() < QUIET_PART;
    lowest = Math.min(lowest, resident());
    if (!quiet || resident() < lowest + GROWTH_BYTES) return;
    await trim();
    lowest = resident();
  };
  const next = (): void => {
    if (!done) timer = clock.after(INTERVAL_MS, () => void look().finally(next));
  };
  next();
  return {
    [Symbol.dispose]() {
      done = true;
      timer?.[Symbol.dispose]();
    },
  };
}

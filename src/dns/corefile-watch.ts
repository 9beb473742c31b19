import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '#base/clock.ts';

export interface CorefileWatchOptions {
  readonly file: string;
  /** How often to look even if nothing is told, ms; 0: never. */
  readonly intervalMs: () => number;
  readonly clock: Clock;
  readonly look: () => void;
}

/** The link of a ConfigMap's volume that leads to all its files. */
const SWAPPED = '..data';
/** Files are written in several steps. */
const SETTLE_MS = 100;
/** The setting may have changed from none to some. */
const IDLE_MS = 30_000;

/** Calls `look` when the file may have changed: as the kernel tells, and now and then, as some file systems do not. */
export function watchCorefile({ file, intervalMs, clock, look }: CorefileWatchOptions): Disposable {
  let watcher: FSWatcher | undefined;
  let settling: Disposable | undefined;
  const soon = (changed: string | null): void => {
    if (intervalMs() === 0 || (changed !== basename(file) && changed !== SWAPPED)) return;
    settling?.[Symbol.dispose]();
    settling = clock.after(SETTLE_MS, look);
  };
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, changed) => soon(changed));
    watcher.on('error', () => {});
  } catch {
    // The interval has to do.
  }
  let timer: Disposable | undefined;
  const again = (): void => {
    const ms = intervalMs();
    timer = clock.after(ms === 0 ? IDLE_MS : ms, () => {
      if (ms > 0) look();
      again();
    });
  };
  again();
  return {
    [Symbol.dispose]() {
      watcher?.close();
      settling?.[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

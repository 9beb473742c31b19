import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/**
 * An idle cluster is mostly code: small young generations and code that is compiled for size keep some 20 MB away, at no
 * cost that shows. The compile cache is per set of V8's flags, so `bin/setup` warms it by a real start.
 */
export const SMALL_HEAP_FLAGS: readonly string[] = ['--max-semi-space-size=1', '--optimize-for-size'];

/** An idle cluster uses half of it. */
const SMALL_HEAP_BYTES = 40 * 2 ** 20;

/**
 * The second of those flags also has the whole heap collected whenever it has grown by a little. Once there is much in it,
 * that is a pause of tens of milliseconds several times a second: from then on the heap may grow as it does by default.
 */
export function outgrowSmallHeap(): void {
  const observer = new PerformanceObserver(() => {
    if (getHeapStatistics().used_heap_size < SMALL_HEAP_BYTES) return;
    observer.disconnect();
    setFlagsFromString('--no-optimize-for-size');
  });
  observer.observe({ type: 'gc' });
}

/** Lets the event loop turn until `done`, without a clock; fails after many turns rather than hang. */
export async function turns(done: () => boolean, limit: number = 100_000): Promise<void> {
  for (let i = 0; i < limit; i++) {
    if (done()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Cannot go on: not done after ${limit} turns of the event loop`);
}

/** Until nothing more happens that needs no time to pass: a fixed, generous number of turns. */
export async function settle(count: number = 50): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

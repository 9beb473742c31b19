import { systemClock } from '#base/clock.ts';

const WAIT_MS = 60_000;
const POLL_MS = 5;

/** Asks again until it is so; fails with `what` and the last that was seen of it rather than hang. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seen: () => unknown = () => '',
): Promise<void> {
  const end = systemClock.monotonic() + WAIT_MS;
  while (!(await isSo())) {
    if (systemClock.monotonic() > end)
      throw new Error(`after ${WAIT_MS / 1000} s still not: ${what} ${String(seen())}`);
    await systemClock.sleep(POLL_MS);
  }
}

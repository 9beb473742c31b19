import { Session } from 'node:inspector/promises';
import { setImmediate } from 'node:timers/promises';
import { mallocTrim } from '#netlink/native.ts';

/**
 * Gives back what is left over from reading a cluster: the pages of the lists, and the holes between what is kept of them.
 * A collection that also moves things together is asked for as a debugger does; it takes some 100 ms of a large heap, so this
 * is for a moment when nobody waits.
 */
export async function trimMemory(): Promise<void> {
  // What is on the stack now is still in use.
  await setImmediate();
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
  mallocTrim();
}

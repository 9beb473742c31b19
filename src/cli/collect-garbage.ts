import { Session } from 'node:inspector/promises';
import { setImmediate } from 'node:timers/promises';

/**
 * A collection that also moves what is left together, asked for as a debugger does. It takes some 100 ms of a large heap, so this
 * is for a moment when nobody waits, after a start that was told not to wait for collections.
 */
export async function collectGarbage(): Promise<void> {
  // What is on the stack now is still in use.
  await setImmediate();
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}

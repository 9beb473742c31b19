import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { WorkQueue } from '#base/work-queue.ts';
import { type Client, isAnotherObject, isReason } from '#client/client.ts';
import { createEventRecorder, type EventRecorder } from '#client/events.ts';
import type { Informers } from '#client/informers.ts';

/** What every controller is given. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface ControllerQueueOptions {
  readonly name: string;
  /** Caches that must be full before the first key is worked on: half a view leads to wrong deletes. */
  readonly waitFor: readonly { readonly synced: Promise<void> }[];
  /** @default 4 */
  readonly concurrency?: number | undefined;
  /** Lets the rest of the turn of the event loop go first: a burst of changes to one key is then one pass. */
  readonly yields?: boolean | undefined;
}

/** A queue of keys that starts when the caches are full and stops with the context's signal. */
export function createControllerQueue(
  context: ControllerContext,
  options: ControllerQueueOptions,
  reconcile: (key: string) => Promise<void>,
): WorkQueue {
  const { clock, log, signal } = context;
  let ready = false;
  const synced = Promise.all(options.waitFor.map((informer) => informer.synced)).then(() => {
    ready = true;
  });
  synced.catch(() => {});
  const queue = new WorkQueue(
    async (key) => {
      if (!ready) await synced;
      if (options.yields === true) await new Promise((resolve) => setImmediate(resolve));
      if (!signal.aborted) await reconcile(key);
    },
    {
      clock,
      concurrency: options.concurrency ?? 4,
      onError: (key, error, failures) => {
        if (signal.aborted) return;
        // Only what lasts is worth a line.
        const level = failures < 4 && isOvertaken(error) ? 'debug' : 'warn';
        log[level](`${options.name}: will try again`, { key, failures, error: errorMessage(error) });
      },
    },
  );
  if (signal.aborted) queue.stop();
  signal.addEventListener('abort', () => queue.stop(), { once: true });
  return queue;
}

/** Somebody else wrote first, and the next try sees it. */
export function isOvertaken(error: unknown): boolean {
  return isReason(error, 'Conflict', 'AlreadyExists', 'NotFound') || isAnotherObject(error);
}

export function recorderFor(context: ControllerContext, component: string): EventRecorder {
  return createEventRecorder({ client: context.client, clock: context.clock, log: context.log, component });
}

/** Undefined when the object was gone already. */
export async function ignoreNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

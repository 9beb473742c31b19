import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { type DaemonMessage } from '#cluster/daemon-message.ts';

export type Outcome = Extract<DaemonMessage, { kind: 'ready' | 'failed' }> | { readonly kind: 'interrupted' };

/** Follows a starting daemon until it is ready, fails, takes too long, or the user presses Ctrl-C. */
export async function untilReady(
  messages: AsyncIterable<DaemonMessage>,
  waitMs: number,
  onProgress: (text: string) => void,
): Promise<Outcome> {
  using signals = new SignalWatch();
  let doing = 'starting';
  const timedOut: Promise<Outcome> = systemClock.sleep(waitMs, signals.ended).then(
    () => ({
      kind: 'failed',
      code: 'ETIMEOUT',
      message: `Cannot start the cluster within ${waitMs / 1000} s: it was still ${doing}`,
      hint: 'allow more time with --wait',
    }),
    () => ({ kind: 'interrupted' }),
  );
  const followed = (async (): Promise<Outcome> => {
    for await (const message of messages) {
      if (message.kind !== 'progress') return message;
      doing = message.text;
      onProgress(message.text);
    }
    return { kind: 'failed', code: 'EDAEMON', message: 'Cannot start the cluster: its daemon ended' };
  })().catch((error: unknown) => ({
    kind: 'failed' as const,
    code: 'EDAEMON',
    message: `Cannot start the cluster: ${errorMessage(error)}`,
  }));
  // Awaited in here: returned as it is, the promise would outlive `signals`, whose end ends the wait.
  return await Promise.race([followed, timedOut, signals.received]);
}

/** SIGINT and SIGTERM as a promise, for as long as the object is in scope. */
class SignalWatch implements Disposable {
  readonly received: Promise<Outcome>;
  readonly #stop = new AbortController();
  readonly #listener: () => void;

  constructor() {
    let resolve: (outcome: Outcome) => void = () => {};
    this.received = new Promise((done) => {
      resolve = done;
    });
    this.#listener = () => resolve({ kind: 'interrupted' });
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  get ended(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
    this.#stop.abort();
  }
}

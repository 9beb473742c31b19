import { systemClock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { DaemonMessage } from '#cluster/daemon-message.ts';
import type { Interrupted, SignalWatch } from './signal-watch.ts';

export type Outcome = Extract<DaemonMessage, { kind: 'ready' | 'failed' }> | Interrupted;

/** Follows a starting daemon until it is ready, fails, takes too long, or the user presses Ctrl-C. */
export async function untilReady(
  messages: AsyncIterable<DaemonMessage>,
  waitMs: number,
  onProgress: (text: string) => void,
  signals: SignalWatch,
): Promise<Outcome> {
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

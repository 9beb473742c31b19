import type { Clock } from '#base/clock.ts';
import { CodedError, errorCode } from '#base/errors.ts';
import { RCODES } from './record-type.ts';
import { rcodeOf, type UpstreamAnswer } from './upstream-answer.ts';

type Try = () => Promise<UpstreamAnswer>;

export interface FirstGoodOptions {
  readonly clock: Clock;
  /** How long one may think before the next is tried too, ms. */
  readonly hedgeMs: number;
  /** For so long those that stay silent are tried again, ms. */
  readonly patienceMs: number;
}

/**
 * The first answer that says something. The next is asked when one fails or is slow, and who was silent is asked again
 * after all others. A refusal or failure that a server reports is the answer only when no other has a better one.
 */
export function firstGood(
  tries: readonly Try[],
  { clock, hedgeMs, patienceMs }: FirstGoodOptions,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    const end = clock.monotonic() + patienceMs;
    const waiting = [...tries];
    let pending = 0;
    let poor: UpstreamAnswer | undefined;
    let timer: Disposable | undefined;
    let settled = false;
    const settle = (answer: UpstreamAnswer | undefined): void => {
      timer?.[Symbol.dispose]();
      settled = true;
      waiting.length = 0;
      if (answer !== undefined) resolve(answer);
      else reject(new CodedError('ENOUPSTREAM', 'Cannot resolve a name outside of the cluster: no server answers'));
    };
    const failed = (): void => {
      pending--;
      if (waiting.length > 0) start();
      else if (pending === 0) settle(poor);
    };
    const start = (): void => {
      const attempt = waiting.shift();
      if (attempt === undefined) return;
      pending++;
      timer?.[Symbol.dispose]();
      if (waiting.length > 0) timer = clock.after(hedgeMs, start);
      attempt().then(
        (answer) => {
          if (!isPoor(answer)) return settle(answer);
          poor ??= answer;
          failed();
        },
        (error: unknown) => {
          // Not once there is an answer: nobody waits for another.
          const again = errorCode(error) === 'ETIMEDOUT' && poor === undefined && !settled && clock.monotonic() < end;
          if (again) waiting.push(attempt);
          failed();
        },
      );
    };
    if (tries.length === 0) settle(undefined);
    else start();
  });
}

/** A refusal or a failure that a server reports: it says nothing of the name. */
export function isPoor({ bytes }: UpstreamAnswer): boolean {
  const rcode = rcodeOf(bytes);
  return rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN;
}

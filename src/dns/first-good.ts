import type { Clock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';
import { RCODES } from './record-type.ts';
import { rcodeOf, type UpstreamAnswer } from './upstream-answer.ts';

/**
 * The first answer that says something. The next is asked when one fails or is slow. A refusal or failure that a server
 * reports is the answer only when no other has a better one.
 */
export function firstGood(
  tries: readonly (() => Promise<UpstreamAnswer>)[],
  clock: Clock,
  hedgeMs: number,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let pending = 0;
    let poor: UpstreamAnswer | undefined;
    let timer: Disposable | undefined;
    const settle = (answer: UpstreamAnswer | undefined): void => {
      timer?.[Symbol.dispose]();
      next = tries.length;
      if (answer !== undefined) resolve(answer);
      else reject(new CodedError('ENOUPSTREAM', 'Cannot resolve a name outside of the cluster: no server answers'));
    };
    const failed = (): void => {
      pending--;
      if (next < tries.length) start();
      else if (pending === 0) settle(poor);
    };
    const start = (): void => {
      const attempt = tries[next++];
      if (attempt === undefined) return;
      pending++;
      timer?.[Symbol.dispose]();
      if (next < tries.length) timer = clock.after(hedgeMs, start);
      attempt().then((answer) => {
        if (!isPoor(answer)) return settle(answer);
        poor ??= answer;
        failed();
      }, failed);
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

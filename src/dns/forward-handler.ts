import { errorCode } from '#base/errors.ts';
import type { Forwarded, Forwarder } from './forward-socket.ts';
import { forwardedReply } from './forwarded-reply.ts';
import type { Handler, Reply } from './handler.ts';
import { isBelow, type WireName } from './name.ts';
import { nameOf } from './query.ts';
import { RECORD_TYPES } from './record-type.ts';
import { bareReply } from './reply.ts';

export interface ForwardHandlerOptions {
  readonly forwarder: Forwarder;
  /** @default every name */
  readonly from?: WireName | undefined;
  /** Names below these are not for these servers. */
  readonly except?: readonly WireName[] | undefined;
  /** Answers with these codes are not the last word: the next stage is asked. @default none */
  readonly nextOn?: readonly number[] | undefined;
  readonly next?: Handler | undefined;
}

const CHECKING_DISABLED = 0x10;

/** Nobody is left to ask. */
export const noAnswer: Handler = (query) => bareReply(query, 'SERVFAIL');

export function forwardHandler(options: ForwardHandlerOptions): Handler {
  const { forwarder, from = '\0', except = [], nextOn = [], next = noAnswer } = options;
  const isFor = (name: WireName): boolean => isBelow(name, from) && !except.some((zone) => isBelow(name, zone));
  const all = from === '\0' && except.length === 0;
  return (query, limit, client, depth) => {
    if (!all && !isFor(nameOf(query))) return next(query, limit, client, depth);
    if (query.type === RECORD_TYPES.HINFO && forwarder.noticeLoop(nameOf(query))) return bareReply(query, 'REFUSED');
    const asked = forwarder.ask({
      key: query.key,
      dnssecOk: query.dnssecOk,
      checkingDisabled: ((query.bytes[3] ?? 0) & CHECKING_DISABLED) !== 0,
    });
    const finish = (forwarded: Forwarded): Reply =>
      nextOn.includes(forwarded.answer.rcode)
        ? next(query, limit, client, depth)
        : forwardedReply(forwarded, query, limit);
    if (!(asked instanceof Promise)) return finish(asked);
    return asked.then(finish, (error: unknown) =>
      // CoreDNS's word for too many at a time.
      bareReply(query, errorCode(error) === 'EBUSY' ? 'REFUSED' : 'SERVFAIL'),
    );
  };
}

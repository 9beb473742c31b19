import { constants } from 'node:os';
import { CodedError } from '#base/errors.ts';
import { align4, NLMSG_HDRLEN } from './align.ts';
import { AttributeReader, DecodeError, type AttributeSpace } from './attribute.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, type Message } from './message.ts';

/** enum nlmsgerr_attrs: MSG is a sentence, OFFS the byte of the request that the kernel did not like. */
const NLMSGERR: AttributeSpace = { name: 'NLMSGERR_ATTR', types: { MSG: 1, OFFS: 2, COOKIE: 3, POLICY: 4 } };

const errnoNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    // EWOULDBLOCK and EOPNOTSUPP share numbers with the names that everybody says.
    .filter(([name]) => name !== 'EWOULDBLOCK' && name !== 'ENOTSUP')
    .map(([name, number]) => [number, name]),
);

/** 1 is `EPERM`; a number without a name is `E524`. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `E${errno}`;
}

/** The kernel refused a request. `code` is the name of `errno`. */
export class NetlinkError extends CodedError {
  readonly errno: number;
  /** The kernel's own words (NLMSGERR_ATTR_MSG), where it had any. */
  readonly kernelMessage: string | undefined;
  /** Where in the request it stumbled (NLMSGERR_ATTR_OFFS). */
  readonly offset: number | undefined;
  /** Which message of a batch this is about. */
  readonly sequence: number;

  constructor(fields: {
    /** What was tried, after the word "Cannot". */
    readonly action?: string | undefined;
    readonly errno: number;
    readonly kernelMessage?: string | undefined;
    readonly offset?: number | undefined;
    readonly sequence: number;
  }) {
    const code = errnoName(fields.errno);
    const reason = fields.kernelMessage === undefined ? '' : ` (${fields.kernelMessage})`;
    super(code, `Cannot ${fields.action ?? 'execute netlink request'}: ${code}${reason}`);
    this.name = 'NetlinkError';
    this.errno = fields.errno;
    this.kernelMessage = fields.kernelMessage;
    this.offset = fields.offset;
    this.sequence = fields.sequence;
  }
}

/** The error in an NLMSG_ERROR or NLMSG_DONE message; undefined when it is an acknowledgement. */
export function decodeError(message: Message, action?: string): NetlinkError | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // An NLMSG_DONE of a dump carries an int only since Linux 4.14.
  if (message.type === NLMSG_DONE && payload.length < 4) return undefined;
  if (payload.length < 4) throw new DecodeError(`Cannot decode struct nlmsgerr: ${payload.length} bytes are too few`);
  const errno = -view.getInt32(0, true);
  if (errno <= 0) return undefined;
  const details = (message.flags & NLM_F_ACK_TLVS) === 0 ? {} : decodeDetails(message, view);
  return new NetlinkError({
    action,
    errno,
    sequence: message.sequence,
    ...details,
  });
}

function decodeDetails(message: Message, view: DataView): { kernelMessage?: string; offset?: number } {
  // struct nlmsgerr { int error; struct nlmsghdr msg; }, then the request's payload unless it was capped.
  let at = 4;
  if (message.type !== NLMSG_DONE) {
    if (message.payload.length < 4 + NLMSG_HDRLEN) {
      throw new DecodeError(`Cannot decode struct nlmsgerr: ${message.payload.length} bytes are too few`);
    }
    at += (message.flags & NLM_F_CAPPED) === 0 ? align4(view.getUint32(4, true)) : NLMSG_HDRLEN;
  }
  const reader = new AttributeReader(message.payload, NLMSGERR, at);
  const details: { kernelMessage?: string; offset?: number } = {};
  while (reader.next()) {
    if (reader.type === 1) details.kernelMessage = reader.string();
    else if (reader.type === 2) details.offset = reader.u32();
  }
  return details;
}

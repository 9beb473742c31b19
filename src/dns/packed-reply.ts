import {
  AUTHORITATIVE_ANSWER,
  CHECKING_DISABLED,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer,
} from 'dns-packet';
import { largestWithin } from './largest-within.ts';
import { HEADER_BYTES, OPT_BYTES, type Query } from './query.ts';
import { writeOpt } from './reply.ts';

export interface Packed {
  /** @default NOERROR */
  readonly rcode?: number | undefined;
  /** @default true */
  readonly authoritative?: boolean | undefined;
  readonly answers: readonly Answer[];
  readonly authorities?: readonly Answer[] | undefined;
  readonly additionals?: readonly Answer[] | undefined;
}

/**
 * An answer of ours in the words of the general codec, which knows all types there are: for what is rare. What does not fit
 * in `limit` bytes is left out record by record, the last first, with TC set.
 */
export function packedReply(query: Query, limit: number, packed: Packed): Buffer {
  const { answers, authorities = [], additionals = [] } = packed;
  const room = query.edns ? limit - OPT_BYTES : limit;
  const all = answers.length + authorities.length + additionals.length;
  const out = largestWithin(all, room, (count) => {
    const kept = {
      rcode: packed.rcode,
      authoritative: packed.authoritative,
      answers: answers.slice(0, count),
      authorities: authorities.slice(0, Math.max(0, count - answers.length)),
      additionals: additionals.slice(0, Math.max(0, count - answers.length - authorities.length)),
    };
    return encoded(query, kept, count < all);
  });
  return finished(out, query);
}

function encoded({ bytes }: Query, packed: Packed, cut: boolean): Buffer {
  const { rcode = 0, answers, authorities = [], additionals = [] } = packed;
  const [question] = decode(bytes).questions ?? [];
  return encode({
    type: 'response',
    id: bytes.readUInt16BE(0),
    flags:
      RECURSION_AVAILABLE |
      (packed.authoritative === false ? 0 : AUTHORITATIVE_ANSWER) |
      (bytes.readUInt16BE(2) & (RECURSION_DESIRED | CHECKING_DISABLED)) |
      (cut ? TRUNCATED_RESPONSE : 0) |
      rcode,
    questions: question === undefined ? [] : [question],
    answers: [...answers],
    authorities: [...authorities],
    additionals: [...additionals],
  });
}

/** The name as it was asked, letter by letter, and EDNS0 where it was asked with it. */
function finished(out: Buffer, query: Query): Buffer {
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd);
  if (!query.edns) return out;
  const whole = Buffer.concat([out, Buffer.alloc(OPT_BYTES)]);
  whole.writeUInt16BE(whole.readUInt16BE(10) + 1, 10);
  writeOpt(whole, out.length, query.dnssecOk);
  return whole;
}

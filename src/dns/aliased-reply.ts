import {
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer as Wire,
} from 'dns-packet';
import type { OutsideAnswer } from './answer.ts';
import type { AskOutside, Reply } from './handler.ts';
import { nameText } from './name.ts';
import { HEADER_BYTES, keyOf, type Query, OPT_BYTES } from './query.ts';
import { RCODES } from './record-type.ts';
import { bareReply, writeOpt } from './reply.ts';
import { rcodeOf } from './upstream-answer.ts';

const AUTHORITATIVE = 0x0400;
const CHECKING_DISABLED = 0x10;

export interface AliasedContext {
  readonly query: Query;
  readonly limit: number;
  readonly outside: AskOutside;
  readonly ttl: number;
  readonly depth: number;
}

/** What the outside says of the name that aliases led to; a failure when it says nothing. */
export function askOutside({ query, outside, depth }: AliasedContext, { name }: OutsideAnswer): Reply {
  return outside(keyOf(name, query.type), ((query.bytes[3] ?? 0) & CHECKING_DISABLED) !== 0, depth);
}

/** Aliases of ours, and what the outside says of the name at their end. */
export async function aliasedReply(context: AliasedContext, outside: OutsideAnswer): Promise<Buffer> {
  try {
    return mergedReply(context, outside, await askOutside(context, outside));
  } catch {
    return bareReply(context.query, 'SERVFAIL');
  }
}

/** Rare enough for the general codec, which knows all types there are. A name that does not exist there is no data here. */
export function mergedReply({ query, limit, ttl }: AliasedContext, outside: OutsideAnswer, answer: Uint8Array): Buffer {
  const rcode = rcodeOf(answer);
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN) return bareReply(query, 'SERVFAIL');
  const found = decode(Buffer.from(answer));
  const aliases = outside.aliases.flatMap((alias): Wire[] =>
    alias.kind === 'CNAME' ? [{ type: 'CNAME', name: nameText(alias.name), ttl, data: nameText(alias.target) }] : [],
  );
  const answers = [...aliases, ...(found.answers ?? [])];
  const room = query.edns ? limit - OPT_BYTES : limit;
  for (let count = answers.length; ; count--) {
    const out = encodeAnswers(query, answers.slice(0, count), count < answers.length);
    if (out.length <= room || count === 0) return finished(out, query);
  }
}

function encodeAnswers(query: Query, answers: Wire[], truncated: boolean): Buffer {
  const { bytes } = query;
  const [question] = decode(bytes).questions ?? [];
  return encode({
    type: 'response',
    id: bytes.readUInt16BE(0),
    flags:
      RECURSION_AVAILABLE |
      AUTHORITATIVE |
      (bytes.readUInt16BE(2) & (RECURSION_DESIRED | CHECKING_DISABLED)) |
      (truncated ? TRUNCATED_RESPONSE : 0),
    questions: question === undefined ? [] : [question],
    answers,
  });
}

function finished(out: Buffer, query: Query): Buffer {
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd);
  if (!query.edns) return out;
  const whole = Buffer.concat([out, Buffer.alloc(OPT_BYTES)]);
  whole.writeUInt16BE(1, 10);
  writeOpt(whole, out.length, query.dnssecOk);
  return whole;
}

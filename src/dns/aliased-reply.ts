import { decode, type Answer as Wire } from 'dns-packet';
import type { OutsideAnswer } from './answer.ts';
import type { AskOutside, Reply } from './handler.ts';
import { nameText } from './name.ts';
import { packedReply } from './packed-reply.ts';
import { keyOf, type Query } from './query.ts';
import { RCODES } from './record-type.ts';
import { bareReply } from './reply.ts';
import { rcodeOf } from './upstream-answer.ts';

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
  return packedReply(query, limit, { answers: [...aliases, ...(found.answers ?? [])] });
}

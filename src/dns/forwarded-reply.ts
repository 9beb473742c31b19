import type { Forwarded } from './forward-socket.ts';
import { HEADER_BYTES, type Query, OPT_BYTES } from './query.ts';
import { recordsWithin, TC, writeHeader, writeOpt } from './reply.ts';

/** RFC 8767 4: what an answer that is over may still be kept for. */
const STALE_TTL = 30;
const AD = 0x20;

/** An upstream's answer to this query: with the time it has left, and no more of it than there is room for. */
export function forwardedReply({ answer, age, stale }: Forwarded, query: Query, limit: number): Buffer {
  const { bytes, ends, ttls } = answer;
  const room = query.edns ? limit - OPT_BYTES : limit;
  const records = recordsWithin(ends, room);
  const length = ends[records] ?? 0;
  const out = Buffer.allocUnsafe(query.edns ? length + OPT_BYTES : length);
  bytes.copy(out, HEADER_BYTES, HEADER_BYTES, length);
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd);
  for (const at of ttls.subarray(0, records)) {
    out.writeUInt32BE(stale ? STALE_TTL : Math.max(0, out.readUInt32BE(at) - age), at);
  }
  const answers = Math.min(records, answer.answers);
  const authorities = Math.min(records - answers, answer.authorities);
  const cut = answer.truncated || records < ends.length - 1;
  writeHeader(out, query, cut ? TC : 0, answer.rcode, {
    answers,
    authorities,
    additionals: records - answers - authorities,
  });
  if (answer.authentic && !stale && asksIfAuthentic(query)) out[3] = (out[3] ?? 0) | AD;
  if (query.edns) writeOpt(out, length, query.dnssecOk);
  return out;
}

/** RFC 6840 5.8: only they are told whether it was checked. */
function asksIfAuthentic(query: Query): boolean {
  return query.dnssecOk || ((query.bytes[3] ?? 0) & AD) !== 0;
}

import { decode, encode, type Answer } from 'dns-packet';
import type { RewriteRule } from './corefile/server-config.ts';
import type { Handler } from './handler.ts';
import { largestWithin } from './largest-within.ts';
import { nameText, wireName } from './name.ts';
import { HEADER_BYTES, nameOf, parseQuery, type Query, OPT_BYTES } from './query.ts';
import { bareReply, TC } from './reply.ts';
import { type NameChange, rewriteName, type Rewritten } from './rewrite.ts';

/** Asks the next stage for another name than it was asked for, and says the answer as if it had not. */
export function rewriteHandler(rules: readonly RewriteRule[], next: Handler): Handler {
  return (query, limit, client, depth) => {
    const asked = nameText(nameOf(query));
    // A name with bytes that no rule can mean.
    const rewritten = asked.includes('\\') ? undefined : rewriteName(rules, asked === '.' ? '.' : `${asked}.`);
    const other = rewritten === undefined ? undefined : renamed(query, rewritten.name);
    if (rewritten === undefined || other === undefined) return next(query, limit, client, depth);
    const answer = next(other, limit, client, depth);
    const back = (bytes: Uint8Array): Uint8Array => {
      try {
        return restored(bytes, { query, rewritten, limit });
      } catch {
        // Somebody else's answer, that no general codec can read.
        return bareReply(query, 'SERVFAIL');
      }
    };
    return answer instanceof Promise ? answer.then(back) : back(answer);
  };
}

/** The same question for another name; undefined where that is none. */
function renamed(query: Query, text: string): Query | undefined {
  const name = wireName(text);
  if (name === undefined) return undefined;
  const { bytes, questionEnd } = query;
  const parts = [bytes.subarray(0, HEADER_BYTES), Buffer.from(name, 'latin1'), bytes.subarray(questionEnd - 4)];
  const parsed = parseQuery(Buffer.concat(parts));
  return parsed.kind === 'query' ? parsed : undefined;
}

interface Restoring {
  readonly query: Query;
  readonly rewritten: Rewritten;
  readonly limit: number;
}

const ANSWERS_AT = 6;
const COUNTS_END = 12;

/** Rules are rare enough for the general codec. What grew beyond the limit is left out record by record, with TC set. */
function restored(bytes: Uint8Array, { query, rewritten, limit }: Restoring): Uint8Array {
  const packet = decode(Buffer.from(bytes));
  const change = (record: Answer): Answer => changed(record, rewritten);
  const answers = (packet.answers ?? []).map(change);
  const authorities = packet.authorities ?? [];
  const additionals = (packet.additionals ?? []).filter(({ type }) => type !== 'OPT').map(change);
  const optAt = query.edns ? bytes.length - OPT_BYTES : bytes.length;
  const [question] = decode(query.bytes).questions ?? [];
  const room = query.edns ? limit - OPT_BYTES : limit;
  const out = largestWithin(answers.length, room, (count) =>
    encode({
      type: 'response',
      questions: question === undefined ? [] : [question],
      answers: answers.slice(0, count),
      ...(count === answers.length ? { authorities: [...authorities], additionals } : {}),
    }),
  );
  const whole = out.readUInt16BE(ANSWERS_AT) === answers.length;
  return finish(out, bytes, query, { optAt, whole });
}

function finish(
  out: Buffer,
  bytes: Uint8Array,
  query: Query,
  { optAt, whole }: { readonly optAt: number; readonly whole: boolean },
): Uint8Array {
  out.set(bytes.subarray(0, 4));
  if (!whole) out[2] = (out[2] ?? 0) | TC;
  // The name as it was asked, letter by letter.
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd);
  if (!query.edns) return out;
  const counted = Buffer.concat([out, bytes.subarray(optAt)]);
  counted.writeUInt16BE(counted.readUInt16BE(COUNTS_END - 2) + 1, COUNTS_END - 2);
  return counted;
}

function changed(record: Answer, { owner, value }: Rewritten): Answer {
  const named = { ...record, name: undotted(owner, record.name) };
  switch (named.type) {
    case 'CNAME':
    case 'DNAME':
    case 'NS':
    case 'PTR':
      return { ...named, data: undotted(value, named.data) };
    case 'SRV':
      return { ...named, data: { ...named.data, target: undotted(value, named.data.target) } };
    case 'MX':
      return { ...named, data: { ...named.data, exchange: undotted(value, named.data.exchange) } };
    default:
      return named;
  }
}

function undotted(change: NameChange, name: string): string {
  if (name === '.') return name;
  const lower = `${name.toLowerCase()}.`;
  const after = change(lower);
  if (after === lower) return name;
  // The general codec writes what is too long as it is.
  if (wireName(after) === undefined) throw new RangeError(`Cannot rewrite "${name}": "${after}" is no name`);
  return after.replace(/\.$/, '');
}

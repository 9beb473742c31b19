import { type Cidr, cidrContains } from '#base/cidr.ts';
import { type Ip } from '#base/ip.ts';
import { answerQuestion } from './answer.ts';
import { bareResponse, encodeResponse, parseQuery, type Query, type Rcode, soaRecord, wireRecord } from './message.ts';
import { type Forwarder } from './forward-socket.ts';
import { type DnsRecord } from './record.ts';
import { type Zone } from './zone.ts';

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Ranges of the cluster: their reverse names are never asked of anybody else. */
  readonly ownRanges: readonly Cidr[];
  /** Seconds. @default 5 */
  readonly ttl?: number;
  /** False until the first lists are in: an answer before that could only be wrong. */
  readonly isReady: () => boolean;
}

/** From the bytes of a query to the bytes of its answer; undefined where silence is right. */
export type Resolve = (
  bytes: Buffer,
  transport: 'udp' | 'tcp',
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

const EMPTY = { authorities: [], additionals: [], answers: [] } as const;

export function createResolver(options: ResolverOptions): Resolve {
  const { zone, forwarder, ownRanges, ttl = 5, isReady } = options;
  const soa = soaRecord(zone.domain, ttl);
  const wire = (records: readonly DnsRecord[]): ReturnType<typeof wireRecord>[] =>
    records.map((record) => wireRecord(record, ttl));
  const isOwn = (name: string): boolean => {
    const ip = ipOfReverseName(name);
    return ip !== undefined && ownRanges.some((range) => cidrContains(range, ip));
  };
  return (bytes, transport) => {
    const parsed = parseQuery(bytes);
    if (parsed.kind === 'ignore') return undefined;
    if (parsed.kind === 'error') return parsed.response;
    const { query } = parsed;
    const size = transport === 'udp' ? query.udpSize : undefined;
    const fail = (rcode: Rcode): Uint8Array => encodeResponse(query, { ...EMPTY, rcode, authoritative: false }, size);
    if (query.questionClass !== 'IN') return fail('REFUSED');
    if (query.question.type === 'AXFR' || query.question.type === 'IXFR') return fail('REFUSED');
    if (!isReady()) return fail('SERVFAIL');
    const answer = answerQuestion(zone, query.question, isOwn);
    if (answer.kind === 'answer') {
      const response = {
        rcode: answer.rcode,
        authoritative: true,
        answers: wire(answer.answers),
        authorities: answer.soa ? [soa] : [],
        additionals: wire(answer.additionals),
      };
      return encodeResponse(query, response, size);
    }
    if (answer.answers.length === 0)
      return forwarder.forward(bytes, transport).catch(() => bareWithQuestion(bytes, query, fail));
    return followOutside(query, answer.name, wire(answer.answers), forwarder, size);
  };
}

function bareWithQuestion(bytes: Buffer, query: Query, fail: (rcode: Rcode) => Uint8Array): Uint8Array {
  return query.question.name === '' ? bareResponse(bytes, 'SERVFAIL') : fail('SERVFAIL');
}

/** An alias to a name outside: the alias with what the outside says of its target. */
async function followOutside(
  query: Query,
  target: string,
  alias: ReturnType<typeof wireRecord>[],
  forwarder: Forwarder,
  size: number | undefined,
): Promise<Uint8Array> {
  const found = await forwarder.lookup(target, query.question.type).catch(() => []);
  return encodeResponse(
    query,
    { ...EMPTY, rcode: 'NOERROR', authoritative: true, answers: [...alias, ...found] },
    size,
  );
}

function ipOfReverseName(name: string): Ip | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) {
    const octets = v4.slice(1, 5).map(Number).toReversed();
    if (octets.some((octet) => octet > 255)) return undefined;
    return { family: 4, value: octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n) };
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (v6?.[1] === undefined) return undefined;
  return { family: 6, value: BigInt(`0x${v6[1].split('.').toReversed().join('')}`) };
}

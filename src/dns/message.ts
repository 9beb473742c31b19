import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer as WireRecord,
  type DecodedPacket,
} from 'dns-packet';
import { type Question } from './answer.ts';
import { type DnsRecord } from './record.ts';

/** RFC 1035 4.1.1, RFC 6891. */
export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof RCODES;

/** What EDNS0 says we take, and the most we send over UDP: fits one packet on any path (RFC 9715). */
export const EDNS_SIZE = 1232;
/** Without EDNS0 (RFC 1035 2.3.4). */
const PLAIN_SIZE = 512;

export interface Query {
  readonly id: number;
  readonly question: Question;
  readonly questionClass: string;
  readonly recursionDesired: boolean;
  /** Largest UDP answer the client takes, bytes. */
  readonly udpSize: number;
  readonly edns: boolean;
}

export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'error'; readonly response: Uint8Array }
  /** Not a query at all: answering would make two servers talk to each other for ever. */
  | { readonly kind: 'ignore' };

const HEADER_BYTES = 12;
const QR = 0x8000;

export function parseQuery(bytes: Buffer): ParsedQuery {
  if (bytes.length < HEADER_BYTES) return { kind: 'ignore' };
  const flags = bytes.readUInt16BE(2);
  if ((flags & QR) !== 0) return { kind: 'ignore' };
  if (((flags >> 11) & 0xf) !== 0) return { kind: 'error', response: bareResponse(bytes, 'NOTIMP') };
  if (bytes.readUInt16BE(4) !== 1) return { kind: 'error', response: bareResponse(bytes, 'FORMERR') };
  const query = decodeQuery(bytes);
  return query === undefined ? { kind: 'error', response: bareResponse(bytes, 'FORMERR') } : { kind: 'query', query };
}

/** Undefined for bytes that are no well-formed query. */
function decodeQuery(bytes: Buffer): Query | undefined {
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  const asked = packet.questions?.[0];
  const opt = packet.additionals?.find((record) => record.type === 'OPT');
  if (asked === undefined || (opt?.type === 'OPT' && opt.ednsVersion !== 0)) return undefined;
  const offered = opt?.type === 'OPT' ? opt.udpPayloadSize : PLAIN_SIZE;
  return {
    id: packet.id ?? 0,
    question: { name: asked.name === '.' ? '' : asked.name, type: asked.type },
    questionClass: asked.class ?? 'IN',
    recursionDesired: (bytes.readUInt16BE(2) & RECURSION_DESIRED) !== 0,
    udpSize: Math.min(Math.max(offered, PLAIN_SIZE), EDNS_SIZE),
    edns: opt !== undefined,
  };
}

/** The header of the query with the response bit and the code set, and nothing else. */
export function bareResponse(query: Uint8Array, rcode: Rcode): Uint8Array {
  const response = Buffer.alloc(HEADER_BYTES);
  response.set(query.subarray(0, 4));
  response.writeUInt16BE((response.readUInt16BE(2) & (0x7800 | RECURSION_DESIRED)) | QR | RCODES[rcode], 2);
  return response;
}

export interface Response {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly WireRecord[];
  readonly authorities: readonly WireRecord[];
  readonly additionals: readonly WireRecord[];
}

/** `maxSize` in bytes, or undefined for TCP. What does not fit is left out with TC set; additionals go first. */
export function encodeResponse(query: Query, response: Response, maxSize: number | undefined): Uint8Array {
  const full = encodePacket(query, response, false);
  if (maxSize === undefined || full.length <= maxSize) return full;
  const withoutAdditionals = encodePacket(query, { ...response, additionals: [] }, false);
  if (withoutAdditionals.length <= maxSize) return withoutAdditionals;
  return encodePacket(query, { ...response, answers: [], authorities: [], additionals: [] }, true);
}

function encodePacket(query: Query, response: Response, truncated: boolean): Uint8Array {
  const { rcode, authoritative, answers, authorities, additionals } = response;
  const opt: readonly WireRecord[] = query.edns
    ? [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: EDNS_SIZE,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ]
    : [];
  return encode({
    type: 'response',
    id: query.id,
    flags:
      RECURSION_AVAILABLE |
      (query.recursionDesired ? RECURSION_DESIRED : 0) |
      (authoritative ? AUTHORITATIVE_ANSWER : 0) |
      (truncated ? TRUNCATED_RESPONSE : 0) |
      RCODES[rcode],
    questions: [{ name: query.question.name, type: query.question.type as 'A', class: query.questionClass as 'IN' }],
    answers: [...answers],
    authorities: [...authorities],
    additionals: [...additionals, ...opt],
  });
}

export function wireRecord(record: DnsRecord, ttl: number): WireRecord {
  switch (record.kind) {
    case 'A':
    case 'AAAA':
      return { type: record.kind, name: record.name, ttl, data: record.address };
    case 'CNAME':
    case 'PTR':
      return { type: record.kind, name: record.name, ttl, data: record.target };
    case 'SRV':
      return {
        type: 'SRV',
        name: record.name,
        ttl,
        data: { priority: 0, weight: 100, port: record.port, target: record.target },
      };
    case 'TXT':
      return { type: 'TXT', name: record.name, ttl, data: record.text };
  }
}

/** The serial is of no use to anybody: there are no zone transfers. */
export function soaRecord(domain: string, ttl: number): WireRecord {
  return {
    type: 'SOA',
    name: domain,
    ttl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
    },
  };
}

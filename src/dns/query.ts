import { CLASS_IN, RECORD_TYPES } from './record-type.ts';
import type { WireName } from './name.ts';

/** What EDNS0 says we take, and the most we send over UDP: fits one packet on any path (RFC 9715). */
export const EDNS_SIZE = 1232;
/** Without EDNS0 (RFC 1035 2.3.4). */
export const PLAIN_SIZE = 512;
/** Over TCP the length has two bytes. */
export const TCP_SIZE = 0xffff;
export const HEADER_BYTES = 12;
/** An OPT record without options. */
export const OPT_BYTES = 11;

/** A well-formed question of one name. Everything else of the message is left where it is. */
export interface Query {
  readonly kind: 'query';
  readonly bytes: Buffer;
  /** Name and type: what answers are kept by. */
  readonly key: string;
  readonly type: number;
  readonly questionClass: number;
  /** The first byte after the question. */
  readonly questionEnd: number;
  /** Letters were asked in upper case, which some resolvers check in the answer (0x20). */
  readonly mixedCase: boolean;
  readonly edns: boolean;
  /** RFC 3225: the DO bit, which the answer repeats. */
  readonly dnssecOk: boolean;
  /** Largest UDP answer the client takes, bytes. */
  readonly udpSize: number;
}

export type ParsedQuery =
  | Query
  | { readonly kind: 'error'; readonly rcode: 'FORMERR' | 'NOTIMP' | 'BADVERS' }
  /** Not a query at all: answering would make two servers talk to each other for ever. */
  | { readonly kind: 'ignore' };

const IGNORE: ParsedQuery = Object.freeze({ kind: 'ignore' });
const FORMERR: ParsedQuery = Object.freeze({ kind: 'error', rcode: 'FORMERR' });
const NOTIMP: ParsedQuery = Object.freeze({ kind: 'error', rcode: 'NOTIMP' });
const BADVERS: ParsedQuery = Object.freeze({ kind: 'error', rcode: 'BADVERS' });

/** The name in lower case with the type after it. Parsing does not wait, so one for all is enough. */
const lower = Buffer.alloc(257);
const MAX_NAME = 255;

export function parseQuery(bytes: Buffer): ParsedQuery {
  if (bytes.length < HEADER_BYTES) return IGNORE;
  const opcode = byte(bytes, 2) & 0xf8;
  if (opcode !== 0) return opcode >= 0x80 ? IGNORE : NOTIMP;
  if (uint16(bytes, 4) !== 1) return FORMERR;
  const nameEnd = readName(bytes);
  const questionEnd = nameEnd + 4;
  if (nameEnd === -1 || questionEnd > bytes.length) return FORMERR;
  const nameLength = nameEnd - HEADER_BYTES;
  lower[nameLength] = byte(bytes, nameEnd);
  lower[nameLength + 1] = byte(bytes, nameEnd + 1);
  const opt = uint16(bytes, 6) + uint16(bytes, 8) + uint16(bytes, 10) === 0 ? NO_OPT : findOpt(bytes, questionEnd);
  if (opt === undefined) return FORMERR;
  if (opt !== NO_OPT && byte(bytes, opt + 6) !== 0) return BADVERS;
  const edns = opt !== NO_OPT;
  return {
    kind: 'query',
    bytes,
    key: lower.toString('latin1', 0, nameLength + 2),
    type: uint16(bytes, nameEnd),
    questionClass: uint16(bytes, nameEnd + 2),
    questionEnd,
    mixedCase,
    edns,
    dnssecOk: edns && (byte(bytes, opt + 7) & 0x80) !== 0,
    udpSize: edns ? Math.min(Math.max(uint16(bytes, opt + 3), PLAIN_SIZE), EDNS_SIZE) : PLAIN_SIZE,
  };
}

export function nameOf(query: Query): WireName {
  return query.key.slice(0, -2);
}

export function isInternetClass(query: Query): boolean {
  return query.questionClass === CLASS_IN;
}

/** The key of a name and type that nobody asked for in bytes. */
export function keyOf(name: WireName, type: number): string {
  return name + String.fromCharCode(type >> 8, type & 255);
}

let mixedCase = false;

/** Copies the first name into `lower`; the place after it, or -1. Nothing stands before it that it could point to. */
function readName(bytes: Buffer): number {
  mixedCase = false;
  const end = Math.min(bytes.length, HEADER_BYTES + MAX_NAME);
  let at = HEADER_BYTES;
  while (at < end) {
    const length = byte(bytes, at);
    if (length > 63) return -1;
    lower[at - HEADER_BYTES] = length;
    at++;
    if (length === 0) return at;
    const labelEnd = at + length;
    if (labelEnd >= end) return -1;
    for (; at < labelEnd; at++) {
      const character = byte(bytes, at);
      const upper = character >= 65 && character <= 90;
      lower[at - HEADER_BYTES] = upper ? character | 0x20 : character;
      if (upper) mixedCase = true;
    }
  }
  return -1;
}

const NO_OPT = 0;

/** Where the root name of the OPT record is, 0 without one; undefined for records cut short or two OPTs (RFC 6891 6.1.1). */
function findOpt(bytes: Buffer, start: number): number | undefined {
  const others = uint16(bytes, 6) + uint16(bytes, 8);
  const total = others + uint16(bytes, 10);
  let opt = NO_OPT;
  let at = start;
  for (let i = 0; i < total; i++) {
    const nameStart = at;
    at = skipName(bytes, at);
    if (at === -1 || at + 10 > bytes.length) return undefined;
    const isOpt = i >= others && uint16(bytes, at) === RECORD_TYPES.OPT;
    if (isOpt && (opt !== NO_OPT || byte(bytes, nameStart) !== 0)) return undefined;
    if (isOpt) opt = nameStart;
    at += 10 + uint16(bytes, at + 8);
    if (at > bytes.length) return undefined;
  }
  return opt;
}

/** The place after a name that may end in a pointer, or -1. */
export function skipName(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length;) {
    const length = byte(bytes, at);
    if (length >= 0xc0) return at + 2;
    if (length > 63) return -1;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
  return -1;
}

export function uint16(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) << 8) | byte(bytes, at + 1);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

import { HEADER_BYTES, skipName, uint16 } from './query.ts';
import { RCODES, RECORD_TYPES } from './record-type.ts';

/** What an upstream said, as bytes without OPT, with the places that change when it is said again. */
export interface UpstreamAnswer {
  readonly bytes: Buffer;
  readonly rcode: number;
  readonly authentic: boolean;
  /** There is more of it than could be had. */
  readonly truncated: boolean;
  readonly answers: number;
  readonly authorities: number;
  /** The first byte after each record, and after the question first. */
  readonly ends: Uint16Array;
  /** Where the TTL of each record is. */
  readonly ttls: Uint16Array;
  /** Seconds it may be kept; 0 for not at all. */
  readonly ttl: number;
}

/** How long answers may be kept, in seconds; what clients are told keeps to it too. */
export interface TtlLimits {
  readonly success: { readonly minSeconds: number; readonly maxSeconds: number };
  readonly denial: { readonly minSeconds: number; readonly maxSeconds: number };
  readonly failureSeconds: number;
}

/** CoreDNS's limits for what it keeps; a denial is believed for a shorter time. RFC 9520: failures for a moment. */
const TTL_LIMITS: TtlLimits = Object.freeze({
  success: { minSeconds: 0, maxSeconds: 3600 },
  denial: { minSeconds: 0, maxSeconds: 1800 },
  failureSeconds: 1,
});

const QR = 0x80;
const TC = 0x02;
const AD = 0x20;

export function isTruncated(bytes: Uint8Array): boolean {
  return ((bytes[2] ?? 0) & TC) !== 0;
}

export function rcodeOf(bytes: Uint8Array): number {
  return (bytes[3] ?? 0) & 15;
}

/** Undefined for bytes that are no answer to the question of `key` (name in lower case, then type). */
export function parseUpstreamAnswer(
  bytes: Buffer,
  key: string,
  limits: TtlLimits = TTL_LIMITS,
): UpstreamAnswer | undefined {
  const questionEnd = HEADER_BYTES + key.length + 2;
  if (bytes.length < questionEnd || ((bytes[2] ?? 0) & QR) === 0 || uint16(bytes, 4) !== 1) return undefined;
  if (!isSameQuestion(bytes, key)) return undefined;
  const answers = uint16(bytes, 6);
  const authorities = uint16(bytes, 8);
  const records = readRecords(bytes, questionEnd, answers + authorities + uint16(bytes, 10));
  if (records === undefined || records.length < answers + authorities) return undefined;
  const rcode = rcodeOf(bytes);
  const copy = owned(bytes.subarray(0, records.at(-1)?.end ?? questionEnd));
  const { minSeconds, maxSeconds } = answers > 0 ? limits.success : limits.denial;
  for (const { ttlAt } of records) {
    const ttl = saneTtl(copy.readUInt32BE(ttlAt));
    copy.writeUInt32BE(Math.min(Math.max(ttl, minSeconds), maxSeconds), ttlAt);
  }
  return {
    bytes: copy,
    rcode,
    authentic: ((bytes[3] ?? 0) & AD) !== 0,
    truncated: isTruncated(bytes),
    answers,
    authorities,
    ends: Uint16Array.from([questionEnd, ...records.map(({ end }) => end)]),
    ttls: Uint16Array.from(records.map(({ ttlAt }) => ttlAt)),
    ttl: isTruncated(bytes) ? 0 : cacheTtl({ bytes: copy, rcode, records, answers, authorities, limits }),
  };
}

interface RecordPlace {
  readonly type: number;
  readonly ttlAt: number;
  readonly end: number;
}

function readRecords(bytes: Buffer, start: number, count: number): readonly RecordPlace[] | undefined {
  const records: RecordPlace[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const fixed = skipName(bytes, at);
    if (fixed === -1 || fixed + 10 > bytes.length) return undefined;
    const type = uint16(bytes, fixed);
    // OPT is of this hop only. It is the last record of all servers that matter; what follows is not needed.
    if (type === RECORD_TYPES.OPT) break;
    at = fixed + 10 + uint16(bytes, fixed + 8);
    if (at > bytes.length) return undefined;
    records.push({ type, ttlAt: fixed + 4, end: at });
  }
  return records;
}

/** RFC 2308 5: a denial is kept as long as its SOA says, and one without SOA is not kept. */
function cacheTtl({ bytes, rcode, records, answers, authorities, limits }: Parsed): number {
  if (rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN) return limits.failureSeconds;
  const given = records.slice(0, answers + authorities).map(({ ttlAt }) => bytes.readUInt32BE(ttlAt));
  const ttl = Math.min(limits.success.maxSeconds, ...given);
  const soa = records.slice(answers, answers + authorities).find(({ type }) => type === RECORD_TYPES.SOA);
  if (soa === undefined) return rcode === RCODES.NOERROR && answers > 0 ? ttl : 0;
  const { minSeconds, maxSeconds } = limits.denial;
  return Math.max(Math.min(ttl, saneTtl(bytes.readUInt32BE(soa.end - 4)), maxSeconds), answers > 0 ? 0 : minSeconds);
}

interface Parsed {
  readonly bytes: Buffer;
  readonly rcode: number;
  readonly records: readonly RecordPlace[];
  readonly answers: number;
  readonly authorities: number;
  readonly limits: TtlLimits;
}

/** RFC 2181 8: with the first bit set it is 0. */
function saneTtl(ttl: number): number {
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

function isSameQuestion(bytes: Uint8Array, key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const byte = bytes[HEADER_BYTES + i] ?? 0;
    const lower = i < key.length - 2 && byte >= 65 && byte <= 90 ? byte | 0x20 : byte;
    if (lower !== key.charCodeAt(i)) return false;
  }
  return true;
}

/** A copy of its own: a slice of a shared block would keep all of that alive. */
function owned(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

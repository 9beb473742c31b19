import type { Address } from './address.ts';
import type { WireName } from './name.ts';
import { EDNS_SIZE, HEADER_BYTES, OPT_BYTES, type Query, TCP_SIZE } from './query.ts';
import { CLASS_IN, RCODES, type Rcode } from './record-type.ts';
import type { CompiledAnswer } from './compiled-answer.ts';

const QR = 0x80;
const AA = 0x04;
export const TC = 0x02;
const RD = 0x01;
const RA = 0x80;
const CD = 0x10;

/** RFC 6891 6.1.2. Options of the query are ignored, cookies (RFC 7873) among them: so none are in the answer. */
export function writeOpt(out: Buffer, at: number, dnssecOk: boolean, extendedRcode = 0): void {
  out[at] = 0;
  out[at + 1] = 0;
  out[at + 2] = 41;
  out[at + 3] = EDNS_SIZE >> 8;
  out[at + 4] = EDNS_SIZE & 255;
  out[at + 5] = extendedRcode;
  out[at + 6] = 0;
  out[at + 7] = dnssecOk ? 0x80 : 0;
  out[at + 8] = 0;
  out[at + 9] = 0;
  out[at + 10] = 0;
}

export interface Counts {
  readonly answers: number;
  readonly authorities: number;
  /** Without OPT. */
  readonly additionals: number;
}

/** `flags` and `rcode` beside what every answer has: the id, the response bit, what the query said of recursion. */
export function writeHeader(out: Buffer, query: Query, flags: number, rcode: number, counts: Counts): void {
  const { bytes } = query;
  const additionals = counts.additionals + (query.edns ? 1 : 0);
  out[0] = bytes[0] ?? 0;
  out[1] = bytes[1] ?? 0;
  out[2] = QR | flags | ((bytes[2] ?? 0) & RD);
  out[3] = RA | ((bytes[3] ?? 0) & CD) | rcode;
  out[4] = 0;
  out[5] = 1;
  out[6] = counts.answers >> 8;
  out[7] = counts.answers & 255;
  out[8] = 0;
  out[9] = counts.authorities & 255;
  out[10] = additionals >> 8;
  out[11] = additionals & 255;
}

export function sizeLimit(query: Query, transport: 'udp' | 'tcp'): number {
  return transport === 'udp' ? query.udpSize : TCP_SIZE;
}

/** How many records fit; `ends` begins with the end of the question, which always does. */
export function recordsWithin(ends: ArrayLike<number>, room: number): number {
  let records = ends.length - 1;
  while (records > 0 && (ends[records] ?? 0) > room) records--;
  return records;
}

/** A compiled answer to this query. What does not fit in `limit` bytes is left out record by record, with TC set. */
export function reply(compiled: CompiledAnswer, query: Query, limit: number, turn: number): Buffer {
  const { body, ends, answers, authorities } = compiled;
  const room = query.edns ? limit - OPT_BYTES : limit;
  const records = recordsWithin(ends, room);
  const length = ends[records] ?? 0;
  const out = Buffer.allocUnsafe(query.edns ? length + OPT_BYTES : length);
  out.write(body, HEADER_BYTES, length - HEADER_BYTES, 'latin1');
  if (compiled.turn !== undefined) takeTurns(out, compiled, length, turn);
  const given = Math.min(records, answers);
  const givenAuthorities = Math.min(records - given, authorities);
  writeHeader(out, query, records === ends.length - 1 ? AA : AA | TC, compiled.rcode, {
    answers: given,
    authorities: givenAuthorities,
    additionals: records - given - givenAuthorities,
  });
  if (query.mixedCase) query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, query.questionEnd - 4);
  if (query.edns) writeOpt(out, length, query.dnssecOk);
  return out;
}

/** The addresses begin with another one each time; the one size of all makes that two copies. */
function takeTurns(out: Buffer, { body, turn }: CompiledAnswer, length: number, number: number): void {
  if (turn === undefined) return;
  const { start, size, count } = turn;
  const skip = number % count;
  const end = Math.min(start + size * count, length);
  const first = Math.min(end - start, (count - skip) * size);
  const at = start - HEADER_BYTES;
  out.write(body.slice(at + skip * size, at + skip * size + first), start, 'latin1');
  if (start + first < end) out.write(body.slice(at, at + end - start - first), start + first, 'latin1');
}

/** The one address of a name, which most questions are for: written straight, it needs no compiling. */
export function addressReply(query: Query, address: Address, ttl: number): Buffer {
  const { questionEnd } = query;
  const size = typeof address === 'number' ? 4 : 16;
  const length = questionEnd + 12 + size;
  const out = Buffer.allocUnsafe(query.edns ? length + OPT_BYTES : length);
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, questionEnd);
  writeHeader(out, query, AA, RCODES.NOERROR, { answers: 1, authorities: 0, additionals: 0 });
  writePointer(out, questionEnd, HEADER_BYTES);
  // A call for a few bytes costs more than they do.
  out[questionEnd + 2] = 0;
  out[questionEnd + 3] = query.type;
  out[questionEnd + 4] = 0;
  out[questionEnd + 5] = CLASS_IN;
  writeUint32(out, questionEnd + 6, ttl);
  out[questionEnd + 10] = 0;
  out[questionEnd + 11] = size;
  if (typeof address === 'number') writeUint32(out, questionEnd + 12, address);
  else out.write(address, questionEnd + 12, 'latin1');
  if (query.edns) writeOpt(out, length, query.dnssecOk);
  return out;
}

/**
 * A denial of the zone. Search paths make these the most frequent answers of all, and of names without end, so they are
 * written straight: the zone's own name is at the end of the question, and everything else points to it.
 */
export function denial(query: Query, rcode: 'NXDOMAIN' | 'NOERROR', zone: WireName, ttl: number): Buffer {
  const { questionEnd } = query;
  const nameEnd = questionEnd - 4;
  const inZone = nameEnd - HEADER_BYTES >= zone.length && query.key.endsWith(zone, query.key.length - 2);
  const ownerBytes = inZone ? 2 : zone.length;
  const length = questionEnd + ownerBytes + SOA.length;
  const out = Buffer.allocUnsafe(query.edns ? length + OPT_BYTES : length);
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, questionEnd);
  writeHeader(out, query, AA, RCODES[rcode], { answers: 0, authorities: 1, additionals: 0 });
  const zoneAt = inZone ? nameEnd - zone.length : questionEnd;
  if (!inZone) out.write(zone, questionEnd, 'latin1');
  else writePointer(out, questionEnd, zoneAt);
  const soa = questionEnd + ownerBytes;
  SOA.copy(out, soa);
  out.writeUInt32BE(ttl, soa + 4);
  writePointer(out, soa + MNAME_ZONE, zoneAt);
  writePointer(out, soa + RNAME_ZONE, zoneAt);
  out.writeUInt32BE(ttl, length - 4);
  if (query.edns) writeOpt(out, length, query.dnssecOk);
  return out;
}

function writeUint32(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function writePointer(out: Buffer, at: number, place: number): void {
  out[at] = 0xc0 | (place >> 8);
  out[at + 1] = place & 255;
}

/** Type, class, TTL, length; `ns.dns.ZONE hostmaster.ZONE 1 7200 1800 86400 TTL`; pointers and TTLs to be filled in. */
const SOA = Buffer.from(
  `00060001 00000000 002a 026e7303646e73c000 0a686f73746d6173746572c000 00000001 00001c20 00000708 00015180 00000000`.replaceAll(
    ' ',
    '',
  ),
  'hex',
);
const MNAME_ZONE = 17;
const RNAME_ZONE = 30;

/** No records, and the question where there is one. */
export function bareReply(query: Query, rcode: Rcode): Buffer {
  const { questionEnd } = query;
  const out = Buffer.allocUnsafe(query.edns ? questionEnd + OPT_BYTES : questionEnd);
  query.bytes.copy(out, HEADER_BYTES, HEADER_BYTES, questionEnd);
  writeHeader(out, query, 0, RCODES[rcode], { answers: 0, authorities: 0, additionals: 0 });
  if (query.edns) writeOpt(out, questionEnd, query.dnssecOk);
  return out;
}

/** To bytes that are no query of ours: their header with the response bit and the code, and nothing of the rest. */
export function errorReply(bytes: Uint8Array, rcode: 'FORMERR' | 'NOTIMP' | 'BADVERS'): Buffer {
  const versionless = rcode === 'BADVERS';
  const out = Buffer.alloc(versionless ? HEADER_BYTES + OPT_BYTES : HEADER_BYTES);
  out.set(bytes.subarray(0, 2));
  out[2] = QR | ((bytes[2] ?? 0) & (0x78 | RD));
  out[3] = RCODES[rcode] & 15;
  if (!versionless) return out;
  // The code has 12 bits, of which OPT carries the upper eight; its version is the highest we know.
  out[11] = 1;
  writeOpt(out, HEADER_BYTES, false, RCODES[rcode] >> 4);
  return out;
}

import { ipBytes, type Ip, type IpFamily } from '#base/ip.ts';
import { AttributeReader, type AttributeSpace } from './attribute.ts';
import type { MessageEncoder } from './encoder.ts';
import { addressFamily, ipFamily, readIp } from './family.ts';
import { decodeNetfilterHeader, NFGENMSG_LENGTH, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';

/** #define NFNL_SUBSYS_CTNETLINK 1, in the high byte of a netfilter message's type. */
const NFNL_SUBSYS_CTNETLINK = 1;
/** enum cntl_msg_types: IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE */
export const CT_NEW: number = (NFNL_SUBSYS_CTNETLINK << 8) | 0;
export const CT_GET: number = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
export const CT_DELETE: number = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
/** enum nfnetlink_groups */
export const NFNLGRP_CONNTRACK_NEW = 1;
export const NFNLGRP_CONNTRACK_DESTROY = 3;

const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, TIMEOUT: 7, MARK: 8, ID: 12, ZONE: 18, FILTER: 25 } as const;
const TUPLE = { IP: 1, PROTO: 2, ZONE: 3 } as const;
const IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;

const conntrackSpace: AttributeSpace = { name: 'CTA', types: CTA };
const tupleSpace: AttributeSpace = { name: 'CTA_TUPLE', types: TUPLE };
const ipSpace: AttributeSpace = { name: 'CTA_IP', types: IP };
const protoSpace: AttributeSpace = { name: 'CTA_PROTO', types: PROTO };

/** #define CTA_FILTER_F_CTA_IP_SRC (1 << 0), and so on: which parts of the tuple the kernel compares. */
const FILTER_IP_SRC = 1 << 0;
const FILTER_IP_DST = 1 << 1;
const FILTER_PROTO_NUM = 1 << 3;
const FILTER_PROTO_SRC_PORT = 1 << 4;
const FILTER_PROTO_DST_PORT = 1 << 5;

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_SCTP = 132;

/** enum ip_conntrack_status */
export const IPS_SRC_NAT = 0x10;
export const IPS_DST_NAT = 0x20;

/** One direction of a connection. Ports are 0 for protocols without ports. */
export interface ConntrackTuple {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface ConntrackEntry {
  readonly kind: 'conntrack';
  /** As the client sent it. */
  readonly original: ConntrackTuple;
  /** As the answer comes: its source is where translation sent the client. */
  readonly reply: ConntrackTuple;
  /** IPS_* bits. */
  readonly status: number;
  readonly mark: number;
  readonly zone: number;
  /** Tells this entry from a later one with the same tuple. */
  readonly id: number;
  /** Seconds until it expires. */
  readonly timeout: number;
}

/** Compared with the original tuple. */
export interface ConntrackFilter {
  readonly protocol?: number;
  readonly source?: Ip;
  readonly destination?: Ip;
  /** These two need `protocol`. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/**
 * Linux 5.8 and newer for a filter, by which most other entries never leave the kernel; what comes still has to be compared
 * with `isMatch`. The kernel cannot be asked for an IPv6 address: ctnetlink_filter_match_tuple() takes `!ipv6_addr_cmp()`
 * for a difference, and so leaves out just those that are equal.
 */
export function encodeListConntrack(encoder: MessageEncoder, family: IpFamily, filter: ConntrackFilter = {}): void {
  encoder.begin(CT_GET, NLM_F_REQUEST | NLM_F_DUMP);
  encoder.nfgenmsg(addressFamily(family));
  const { source, destination, ...rest } = filter;
  const asked: ConntrackFilter = {
    ...rest,
    ...(source?.family === 4 ? { source } : {}),
    ...(destination?.family === 4 ? { destination } : {}),
  };
  const flags = filterFlags(asked);
  if (flags !== 0) {
    encoder.nested(CTA.TUPLE_ORIG, () => tuple(encoder, asked));
    encoder.nested(CTA.FILTER, () => encoder.u32(FILTER.ORIG_FLAGS, flags));
  }
  encoder.end();
}

export function isMatch({ original }: Pick<ConntrackEntry, 'original'>, filter: ConntrackFilter): boolean {
  const { source, destination, protocol, sourcePort, destinationPort } = filter;
  return (
    (source === undefined || source.value === original.source.value) &&
    (destination === undefined || destination.value === original.destination.value) &&
    (protocol === undefined || protocol === original.protocol) &&
    (sourcePort === undefined || sourcePort === original.sourcePort) &&
    (destinationPort === undefined || destinationPort === original.destinationPort)
  );
}

/**
 * Deletes one entry; `ENOENT` when it is gone already. The tuple is never left out: a delete without one empties the
 * whole table.
 */
export function encodeDeleteConntrack(
  encoder: MessageEncoder,
  entry: Pick<ConntrackEntry, 'original'> & Partial<Pick<ConntrackEntry, 'id' | 'zone'>>,
): void {
  encoder.begin(CT_DELETE, NLM_F_REQUEST | NLM_F_ACK);
  encoder.nfgenmsg(addressFamily(entry.original.source.family));
  encoder.nested(CTA.TUPLE_ORIG, () => tuple(encoder, entry.original));
  if (entry.id !== undefined) encoder.be32(CTA.ID, entry.id);
  if (entry.zone !== undefined && entry.zone !== 0) encoder.be16(CTA.ZONE, entry.zone);
  encoder.end();
}

/** The payload of a CT_NEW or CT_DELETE; undefined for families other than IPv4 and IPv6. */
export function decodeConntrack(payload: Uint8Array): ConntrackEntry | undefined {
  const family = ipFamily(decodeNetfilterHeader(payload).family);
  if (family === undefined) return undefined;
  let original: ConntrackTuple | undefined;
  let reply: ConntrackTuple | undefined;
  const numbers = { status: 0, mark: 0, zone: 0, id: 0, timeout: 0 };
  const reader = new AttributeReader(payload, conntrackSpace, NFGENMSG_LENGTH);
  while (reader.next()) {
    if (reader.type === CTA.TUPLE_ORIG) original = decodeTuple(reader.nested(tupleSpace), family);
    else if (reader.type === CTA.TUPLE_REPLY) reply = decodeTuple(reader.nested(tupleSpace), family);
    else if (reader.type === CTA.STATUS) numbers.status = reader.be32();
    else if (reader.type === CTA.MARK) numbers.mark = reader.be32();
    else if (reader.type === CTA.ZONE) numbers.zone = reader.be16();
    else if (reader.type === CTA.ID) numbers.id = reader.be32();
    else if (reader.type === CTA.TIMEOUT) numbers.timeout = reader.be32();
  }
  if (original === undefined || reply === undefined) return undefined;
  return Object.freeze({ kind: 'conntrack', original, reply, ...numbers });
}

function decodeTuple(reader: AttributeReader, family: IpFamily): ConntrackTuple | undefined {
  const ends: { source?: Ip; destination?: Ip } = {};
  const ports = { protocol: 0, sourcePort: 0, destinationPort: 0 };
  while (reader.next()) {
    if (reader.type === TUPLE.IP) decodeEnds(reader.nested(ipSpace), family, ends);
    else if (reader.type === TUPLE.PROTO) decodePorts(reader.nested(protoSpace), ports);
  }
  const { source, destination } = ends;
  return source === undefined || destination === undefined ? undefined : { source, destination, ...ports };
}

function decodeEnds(reader: AttributeReader, family: IpFamily, into: { source?: Ip; destination?: Ip }): void {
  while (reader.next()) {
    if (reader.type === IP.V4_SRC || reader.type === IP.V6_SRC) into.source = readIp(reader, family);
    else if (reader.type === IP.V4_DST || reader.type === IP.V6_DST) into.destination = readIp(reader, family);
  }
}

function decodePorts(
  reader: AttributeReader,
  into: { protocol: number; sourcePort: number; destinationPort: number },
): void {
  while (reader.next()) {
    if (reader.type === PROTO.NUM) into.protocol = reader.u8();
    else if (reader.type === PROTO.SRC_PORT) into.sourcePort = reader.be16();
    else if (reader.type === PROTO.DST_PORT) into.destinationPort = reader.be16();
  }
}

function filterFlags(filter: ConntrackFilter): number {
  return (
    (filter.source === undefined ? 0 : FILTER_IP_SRC) |
    (filter.destination === undefined ? 0 : FILTER_IP_DST) |
    (filter.protocol === undefined ? 0 : FILTER_PROTO_NUM) |
    (filter.sourcePort === undefined ? 0 : FILTER_PROTO_SRC_PORT) |
    (filter.destinationPort === undefined ? 0 : FILTER_PROTO_DST_PORT)
  );
}

function tuple(encoder: MessageEncoder, parts: ConntrackFilter): void {
  const { source, destination, protocol, sourcePort, destinationPort } = parts;
  encoder.nested(TUPLE.IP, () => {
    if (source !== undefined) encoder.bytes(source.family === 4 ? IP.V4_SRC : IP.V6_SRC, ipBytes(source));
    if (destination !== undefined) {
      encoder.bytes(destination.family === 4 ? IP.V4_DST : IP.V6_DST, ipBytes(destination));
    }
  });
  encoder.nested(TUPLE.PROTO, () => {
    if (protocol !== undefined) encoder.u8(PROTO.NUM, protocol);
    if (sourcePort !== undefined) encoder.be16(PROTO.SRC_PORT, sourcePort);
    if (destinationPort !== undefined) encoder.be16(PROTO.DST_PORT, destinationPort);
  });
}

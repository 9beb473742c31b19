import { ipBytes, type Ip, type IpFamily } from '#base/ip.ts';
import { AttributeReader, type AttributeSpace } from './attribute.ts';
import type { MessageEncoder } from './encoder.ts';
import { addressFamily, ipFamily, readIp } from './family.ts';
import { formatMac, parseMac } from './mac.ts';
import { fixedHeader, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_REQUEST } from './message.ts';

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;

const NDA = { DST: 1, LLADDR: 2, IFINDEX: 8 } as const;
const neighborSpace: AttributeSpace = { name: 'NDA', types: NDA };

/** sizeof(struct ndmsg) */
const NDMSG_LENGTH = 12;
const NUD_PERMANENT = 0x80;

/** Who is at an address on a link, so that nobody needs to ask. */
export interface NeighborSpec {
  readonly ip: Ip;
  /** Hardware address. */
  readonly address: string;
  /** Index of the link. */
  readonly link: number;
}

export interface Neighbor extends NeighborSpec {
  readonly kind: 'neighbor';
  readonly permanent: boolean;
  /** NUD_*: 0x02 reachable, 0x04 stale, 0x20 failed, 0x80 permanent. */
  readonly state: number;
}

/** A permanent entry, in the place of any other for the address. */
export function encodeReplaceNeighbor(encoder: MessageEncoder, spec: NeighborSpec): void {
  encoder.begin(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  header(encoder, spec.ip.family, spec.link, NUD_PERMANENT);
  encoder.bytes(NDA.DST, ipBytes(spec.ip));
  encoder.bytes(NDA.LLADDR, parseMac(spec.address));
  encoder.end();
}

export function encodeDeleteNeighbor(encoder: MessageEncoder, spec: Pick<NeighborSpec, 'ip' | 'link'>): void {
  encoder.begin(RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK);
  header(encoder, spec.ip.family, spec.link, 0);
  encoder.bytes(NDA.DST, ipBytes(spec.ip));
  encoder.end();
}

export function encodeListNeighbors(encoder: MessageEncoder, family: IpFamily, link?: number): void {
  encoder.begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP);
  header(encoder, family, 0, 0);
  if (link !== undefined) encoder.u32(NDA.IFINDEX, link);
  encoder.end();
}

/** The payload of an RTM_NEWNEIGH or RTM_DELNEIGH; undefined where it is about no IP address. */
export function decodeNeighbor(payload: Uint8Array): Neighbor | undefined {
  const view = fixedHeader(payload, NDMSG_LENGTH, 'ndmsg');
  const family = ipFamily(view.getUint8(0));
  if (family === undefined) return undefined;
  let ip: Ip | undefined;
  let address = '';
  const reader = new AttributeReader(payload, neighborSpace, NDMSG_LENGTH);
  while (reader.next()) {
    if (reader.type === NDA.DST) ip = readIp(reader, family);
    else if (reader.type === NDA.LLADDR) address = formatMac(reader.bytes());
  }
  if (ip === undefined) return undefined;
  const state = view.getUint16(8, true);
  const permanent = (state & NUD_PERMANENT) !== 0;
  return Object.freeze({ kind: 'neighbor', ip, address, link: view.getInt32(4, true), permanent, state });
}

/** struct ndmsg { u8 family; u8 pad1; u16 pad2; s32 ifindex; u16 state; u8 flags; u8 type; } */
function header(encoder: MessageEncoder, family: IpFamily, link: number, state: number): void {
  encoder.word(addressFamily(family));
  encoder.word(link);
  encoder.word(state);
}

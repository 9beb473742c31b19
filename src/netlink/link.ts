import { AttributeReader, type AttributeSpace } from './attribute.ts';
import type { MessageEncoder } from './encoder.ts';
import { formatMac, parseMac } from './mac.ts';
import { fixedHeader, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
/** enum rtnetlink_groups: RTNLGRP_LINK */
export const RTNLGRP_LINK = 1;

const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  NET_NS_FD: 28,
  EXT_MASK: 29,
} as const;
const INFO = { KIND: 1, DATA: 2 } as const;
const linkSpace: AttributeSpace = { name: 'IFLA', types: IFLA };
const infoSpace: AttributeSpace = { name: 'IFLA_INFO', types: INFO };

const VETH_INFO_PEER = 1;
/** enum { IFLA_BR_UNSPEC, IFLA_BR_FORWARD_DELAY, ... IFLA_BR_MCAST_SNOOPING = 23 } */
const IFLA_BR_MCAST_SNOOPING = 23;
const IFF_UP = 1;
const IFF_NOARP = 0x80;
/** Counters are most of a link's message and nobody here reads them. */
const RTEXT_FILTER_SKIP_STATS = 8;
/** Without a zero byte, as ip(8) sends them; the kernel takes both. */
const kinds = { veth: Buffer.from('veth'), bridge: Buffer.from('bridge') };
/** sizeof(struct ifinfomsg) */
const IFINFOMSG_LENGTH = 16;

/** An index, or a name that the kernel looks up itself. */
export type LinkRef = number | string;

export interface LinkSettings {
  readonly up?: boolean;
  /** Asks nobody for hardware addresses: what is sent there leaves, whether anybody has the address or not. */
  readonly noArp?: boolean;
  readonly mtu?: number;
  /** Hardware address, `02:00:00:00:00:01`. */
  readonly address?: string;
  /** Index of the bridge; 0 takes the link out of the one it is in. */
  readonly master?: number;
  /** Descriptor of the network namespace that the link goes to. */
  readonly netns?: number;
}

export interface VethSpec extends LinkSettings {
  readonly name: string;
  /**
   * The other end; without `netns` it stays where the request is made. It cannot be up from the start (the kernel says
   * ENOTCONN, because it opens this end before it has joined the two).
   */
  readonly peer: Omit<LinkSettings, 'master' | 'up'> & { readonly name: string };
}

export interface BridgeSpec extends LinkSettings {
  readonly name: string;
  /** Filter multicast by IGMP and MLD. Off lets neighbour discovery work without a querier. @default true */
  readonly multicastSnooping?: boolean;
}

export interface Link {
  readonly kind: 'link';
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Hardware address, empty where there is none. */
  readonly address: string;
  /** `veth`, `bridge`, ...; empty for devices and the loopback. */
  readonly type: string;
  readonly master?: number;
  /** Index of the other end, in the other end's namespace. */
  readonly peer?: number;
  /** IF_OPER_*: 6 is up, 2 is down, 0 unknown. */
  readonly operState: number;
}

export function encodeCreateVeth(encoder: MessageEncoder, spec: VethSpec): void {
  encoder.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  header(encoder, 0, spec);
  settings(encoder, spec, spec.name);
  encoder.nested(IFLA.LINKINFO, () => {
    encoder.bytes(INFO.KIND, kinds.veth);
    encoder.nested(INFO.DATA, () =>
      encoder.nested(VETH_INFO_PEER, () => {
        header(encoder, 0);
        settings(encoder, spec.peer, spec.peer.name);
      }),
    );
  });
  encoder.end();
}

export function encodeCreateBridge(encoder: MessageEncoder, spec: BridgeSpec): void {
  encoder.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  header(encoder, 0, spec);
  settings(encoder, spec, spec.name);
  encoder.nested(IFLA.LINKINFO, () => {
    encoder.bytes(INFO.KIND, kinds.bridge);
    if (spec.multicastSnooping === undefined) return;
    encoder.nested(INFO.DATA, () => encoder.u8(IFLA_BR_MCAST_SNOOPING, spec.multicastSnooping ? 1 : 0));
  });
  encoder.end();
}

/** Changes what `changes` names and nothing else. A new name needs the link by index, and the link down. */
export function encodeSetLink(
  encoder: MessageEncoder,
  link: LinkRef,
  changes: LinkSettings & { readonly name?: string },
): void {
  encoder.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
  header(encoder, typeof link === 'number' ? link : 0, changes);
  settings(encoder, changes, typeof link === 'number' ? changes.name : link);
  encoder.end();
}

export function encodeDeleteLink(encoder: MessageEncoder, link: LinkRef): void {
  encoder.begin(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK);
  header(encoder, typeof link === 'number' ? link : 0);
  if (typeof link === 'string') encoder.string(IFLA.IFNAME, link);
  encoder.end();
}

export function encodeGetLink(encoder: MessageEncoder, link: LinkRef): void {
  encoder.begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK);
  header(encoder, typeof link === 'number' ? link : 0);
  if (typeof link === 'string') encoder.string(IFLA.IFNAME, link);
  encoder.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  encoder.end();
}

export function encodeListLinks(encoder: MessageEncoder): void {
  encoder.begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
  header(encoder, 0);
  encoder.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  encoder.end();
}

/** The payload of an RTM_NEWLINK or RTM_DELLINK. */
export function decodeLink(payload: Uint8Array): Link {
  const view = fixedHeader(payload, IFINFOMSG_LENGTH, 'ifinfomsg');
  let name = '';
  let mtu = 0;
  let address = '';
  let type = '';
  let operState = 0;
  const optional: { master?: number; peer?: number } = {};
  const reader = new AttributeReader(payload, linkSpace, IFINFOMSG_LENGTH);
  while (reader.next()) {
    if (reader.type === IFLA.IFNAME) name = reader.string();
    else if (reader.type === IFLA.MTU) mtu = reader.u32();
    else if (reader.type === IFLA.ADDRESS) address = formatMac(reader.bytes());
    else if (reader.type === IFLA.OPERSTATE) operState = reader.u8();
    else if (reader.type === IFLA.MASTER) optional.master = reader.u32();
    else if (reader.type === IFLA.LINK) optional.peer = reader.u32();
    else if (reader.type === IFLA.LINKINFO) type = decodeKind(reader.nested(infoSpace));
  }
  const up = (view.getUint32(8, true) & IFF_UP) !== 0;
  return Object.freeze({
    kind: 'link',
    index: view.getInt32(4, true),
    name,
    up,
    mtu,
    address,
    type,
    operState,
    ...optional,
  });
}

function decodeKind(info: AttributeReader): string {
  while (info.next()) if (info.type === INFO.KIND) return info.string();
  return '';
}

/** struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change; } */
function header(encoder: MessageEncoder, index: number, { up, noArp }: LinkSettings = {}): void {
  encoder.word(0);
  encoder.word(index);
  encoder.word((up === true ? IFF_UP : 0) | (noArp === true ? IFF_NOARP : 0));
  // Only the bits in `change` are looked at.
  encoder.word((up === undefined ? 0 : IFF_UP) | (noArp === undefined ? 0 : IFF_NOARP));
}

function settings(encoder: MessageEncoder, spec: LinkSettings, name: string | undefined): void {
  if (spec.address !== undefined) encoder.bytes(IFLA.ADDRESS, parseMac(spec.address));
  if (spec.mtu !== undefined) encoder.u32(IFLA.MTU, spec.mtu);
  if (name !== undefined) encoder.string(IFLA.IFNAME, name);
  if (spec.master !== undefined) encoder.u32(IFLA.MASTER, spec.master);
  if (spec.netns !== undefined) encoder.u32(IFLA.NET_NS_FD, spec.netns);
}

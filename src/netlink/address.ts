import { formatIp, ipBytes, type Ip, type IpFamily } from '#base/ip.ts';
import { AttributeReader, type AttributeSpace } from './attribute.ts';
import type { MessageEncoder } from './encoder.ts';
import { addressFamily, ipFamily, readIp } from './family.ts';
import { fixedHeader, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
/** enum rtnetlink_groups */
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV6_IFADDR = 9;

const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, CACHEINFO: 6, FLAGS: 8 } as const;
const addressSpace: AttributeSpace = { name: 'IFA', types: IFA };

/** sizeof(struct ifaddrmsg) */
const IFADDRMSG_LENGTH = 8;
/** An IPv6 address answers at once, without a second of duplicate address detection in which it does not. */
const IFA_F_NODAD = 0x02;

export interface InterfaceAddress {
  readonly kind: 'address';
  readonly ip: Ip;
  readonly prefix: number;
  /** Index of the link. */
  readonly link: number;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  readonly scope: number;
}

export interface AddressSpec {
  readonly ip: Ip;
  readonly prefix: number;
  /** Index of the link. */
  readonly link: number;
}

export function encodeAddAddress(encoder: MessageEncoder, spec: AddressSpec): void {
  encoder.begin(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  body(encoder, spec);
  encoder.end();
}

export function encodeDeleteAddress(encoder: MessageEncoder, spec: AddressSpec): void {
  encoder.begin(RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK);
  body(encoder, spec);
  encoder.end();
}

export function encodeListAddresses(encoder: MessageEncoder, family?: IpFamily): void {
  encoder.begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
  encoder.word(family === undefined ? 0 : addressFamily(family));
  encoder.word(0);
  encoder.end();
}

/** The payload of an RTM_NEWADDR or RTM_DELADDR; undefined for families other than IPv4 and IPv6. */
export function decodeAddress(payload: Uint8Array): InterfaceAddress | undefined {
  const view = fixedHeader(payload, IFADDRMSG_LENGTH, 'ifaddrmsg');
  const family = ipFamily(view.getUint8(0));
  if (family === undefined) return undefined;
  let address: Ip | undefined;
  let local: Ip | undefined;
  const reader = new AttributeReader(payload, addressSpace, IFADDRMSG_LENGTH);
  while (reader.next()) {
    if (reader.type === IFA.ADDRESS) address = readIp(reader, family);
    else if (reader.type === IFA.LOCAL) local = readIp(reader, family);
  }
  // On a point-to-point link IFA_ADDRESS is the other end; IPv6 has no IFA_LOCAL.
  const ip = local ?? address;
  if (ip === undefined) return undefined;
  return Object.freeze({
    kind: 'address',
    ip,
    prefix: view.getUint8(1),
    link: view.getUint32(4, true),
    scope: view.getUint8(3),
  });
}

/** `10.0.0.1/24`. */
export function formatAddress(address: Pick<InterfaceAddress, 'ip' | 'prefix'>): string {
  return `${formatIp(address.ip)}/${address.prefix}`;
}

/** struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index; } */
function body(encoder: MessageEncoder, { ip, prefix, link }: AddressSpec): void {
  encoder.word(addressFamily(ip.family) | (prefix << 8) | ((ip.family === 6 ? IFA_F_NODAD : 0) << 16));
  encoder.word(link);
  const bytes = ipBytes(ip);
  encoder.bytes(IFA.LOCAL, bytes);
  encoder.bytes(IFA.ADDRESS, bytes);
}

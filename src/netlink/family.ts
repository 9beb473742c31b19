import { ipFromBytes, type Ip, type IpFamily } from '#base/ip.ts';
import type { AttributeReader } from './attribute.ts';

const AF_INET = 2;
const AF_INET6 = 10;

/** AF_INET or AF_INET6; netfilter's NFPROTO_IPV4 and NFPROTO_IPV6 are the same numbers. */
export function addressFamily(family: IpFamily): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** Undefined for the families that carry no addresses of ours, such as AF_BRIDGE. */
export function ipFamily(addressFamily: number): IpFamily | undefined {
  if (addressFamily === AF_INET) return 4;
  return addressFamily === AF_INET6 ? 6 : undefined;
}

/** An address of 4 or 16 bytes, as the family says. */
export function readIp(reader: AttributeReader, family: IpFamily): Ip {
  return ipFromBytes(reader.bytes(family === 4 ? 4 : 16));
}

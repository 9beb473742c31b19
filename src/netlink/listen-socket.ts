import { closeSync } from 'node:fs';
import { formatIp, ipBytes, type Ip, type IpFamily } from '#base/ip.ts';
import * as native from './native.ts';

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

export interface ListenOptions {
  readonly protocol: 'tcp' | 'udp';
  readonly address: Ip;
  /** An IPv6 socket takes IPv4 too, as `::ffff:a.b.c.d`. @default false */
  readonly bothFamilies?: boolean;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

export interface BoundSocket {
  readonly fd: number;
  readonly port: number;
}

/**
 * A bound socket of the network namespace that the calling thread is in. The descriptor may be served from any thread:
 * `net.Server.listen({ fd })`, `dgram.Socket.bind({ fd })`, both of which close it with themselves.
 */
export function openListenSocket(options: ListenOptions): BoundSocket {
  const { protocol, address, port } = options;
  const fd = openStreamOrDatagram(protocol, address.family);
  try {
    // For UDP it would let two programs have one port, and one of them all that comes to it.
    if (protocol === 'tcp') native.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const alone = options.bothFamilies === true ? 0 : 1;
    if (address.family === 6) native.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, alone);
    native.bind(fd, encodeSocketAddress(address, port), `${protocol} ${socketText(address, port)}`);
    const bound = native.getsockname(fd);
    return { fd, port: ((bound[2] ?? 0) << 8) | (bound[3] ?? 0) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * An unconnected TCP socket of the network namespace that the calling thread is in, for
 * `new net.Socket({ fd }).connect({ host, port })` with an address as the host.
 */
export function openConnectSocket(family: IpFamily): number {
  return openStreamOrDatagram('tcp', family);
}

function openStreamOrDatagram(protocol: 'tcp' | 'udp', family: IpFamily): number {
  const type = protocol === 'tcp' ? native.SOCK_STREAM : native.SOCK_DGRAM;
  return native.socket(family === 4 ? native.AF_INET : native.AF_INET6, type | native.SOCK_NONBLOCK, 0);
}

function socketText(address: Ip, port: number): string {
  return address.family === 4 ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}

/** struct sockaddr_in { family, be16 port, be32 addr, pad[8] } or sockaddr_in6 { family, be16 port, flowinfo, addr, scope }. */
export function encodeSocketAddress(address: Ip, port: number): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 16 : 28);
  bytes[0] = address.family === 4 ? native.AF_INET : native.AF_INET6;
  bytes[2] = port >>> 8;
  bytes[3] = port & 0xff;
  bytes.set(ipBytes(address), address.family === 4 ? 4 : 8);
  return bytes;
}

import { parseIp } from '#base/ip.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import type { HostPort } from './host-port.ts';

/** A bound socket of the network that the calling thread is in. */
export function openHostSocket({ protocol, address, port }: Pick<HostPort, 'protocol' | 'address' | 'port'>): number {
  const ip = parseIp(address);
  if (ip === undefined) throw new RangeError(`Cannot listen on ${JSON.stringify(address)}: it is not an address`);
  return openListenSocket({ protocol, address: ip, port }).fd;
}

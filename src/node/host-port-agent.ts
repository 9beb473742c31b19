import { createServer } from 'node:net';
import { pipeline } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import type { Pod } from '#api/generated/types.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { dialFrom } from './sandbox/runtime-agent.ts';
import { UdpRelay } from './udp-relay-agent.ts';

/**
 * Serves the ports that a Pod's containers want on the node's own addresses, by passing connections and datagrams on to
 * the Pod, which sees the node as the client. Throws when a port is taken.
 */
export function openHostPorts(
  netFd: number,
  nodeAddresses: readonly string[],
  pod: Pod,
  podIps: readonly string[],
  clock: Clock,
): Disposable {
  const servers: Disposable[] = [];
  const close = (): void => {
    for (const server of servers) server[Symbol.dispose]();
  };
  try {
    for (const { hostIp, hostPort, containerPort, protocol } of wantedPorts(pod)) {
      for (const address of hostIp === undefined ? nodeAddresses : [hostIp]) {
        const podIp = podIps.find((ip) => ip.includes(':') === address.includes(':')) ?? podIps[0] ?? '';
        const target = { host: podIp, port: containerPort };
        servers.push(open({ netFd, protocol, address, port: hostPort, target, clock }));
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  return { [Symbol.dispose]: close };
}

interface WantedPort {
  readonly hostIp: string | undefined;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP';
}

function wantedPorts({ spec }: Pod): readonly WantedPort[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return containers
    .flatMap(({ ports = [] }) => ports)
    .flatMap(({ hostIP, hostPort, containerPort, protocol = 'TCP' }) => {
      if (hostPort === undefined || (protocol !== 'TCP' && protocol !== 'UDP')) return [];
      const anywhere = hostIP === undefined || hostIP === '' || hostIP === '0.0.0.0' || hostIP === '::';
      return [{ hostIp: anywhere ? undefined : hostIP, hostPort, containerPort, protocol }];
    });
}

interface HostPort {
  readonly netFd: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly address: string;
  readonly port: number;
  readonly target: { readonly host: string; readonly port: number };
  readonly clock: Clock;
}

function open({ netFd, protocol, address, port, target, clock }: HostPort): Disposable {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`hostIP ${JSON.stringify(address)} is not an address`);
  try {
    if (protocol === 'UDP') return new UdpRelay({ netFd, clock, address: ip, port, target });
    return serve(netFd, inNetns(netFd, () => openListenSocket({ protocol: 'tcp', address: ip, port })).fd, target);
  } catch (error) {
    throw new Error(`hostPort ${port}: ${errorMessage(error)}`, { cause: error });
  }
}

function serve(netFd: number, fd: number, target: HostPort['target']): Disposable {
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = dialFrom(netFd, target.host, target.port);
    // The end of either, for whatever reason, is the end of the other.
    pipeline(incoming, outgoing, incoming, () => {});
  });
  server.on('error', () => server.close());
  server.listen({ fd });
  return { [Symbol.dispose]: () => void server.close() };
}

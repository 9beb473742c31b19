import { createServer, type Server } from 'node:net';
import { pipeline } from 'node:stream';
import { errorMessage } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import { type Pod } from '#api/generated/types.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { dialFrom } from './sandbox/runtime-agent.ts';

/**
 * Serves the TCP ports that a Pod's containers want on the node's own addresses, by passing connections on to the Pod.
 * Throws when a port is taken.
 */
export function openHostPorts(
  netFd: number,
  nodeAddresses: readonly string[],
  pod: Pod,
  podIps: readonly string[],
): Disposable {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  try {
    for (const { hostIp, hostPort, containerPort } of wantedPorts(pod)) {
      for (const address of hostIp === undefined ? nodeAddresses : [hostIp]) {
        const podIp = podIps.find((ip) => ip.includes(':') === address.includes(':')) ?? podIps[0] ?? '';
        servers.push(serve(netFd, address, hostPort, podIp, containerPort));
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
}

function wantedPorts({ spec }: Pod): readonly WantedPort[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return containers
    .flatMap(({ ports = [] }) => ports)
    .flatMap(({ hostIP, hostPort, containerPort, protocol }) => {
      if (hostPort === undefined || (protocol ?? 'TCP') !== 'TCP') return [];
      const anywhere = hostIP === undefined || hostIP === '' || hostIP === '0.0.0.0' || hostIP === '::';
      return [{ hostIp: anywhere ? undefined : hostIP, hostPort, containerPort }];
    });
}

function serve(netFd: number, address: string, port: number, podIp: string, podPort: number): Server {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`hostIP ${JSON.stringify(address)} is not an address`);
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = dialFrom(netFd, podIp, podPort);
    // The end of either, for whatever reason, is the end of the other.
    pipeline(incoming, outgoing, incoming, () => {});
  });
  server.on('error', () => server.close());
  try {
    const { fd } = inNetns(netFd, () => openListenSocket({ protocol: 'tcp', address: ip, port }));
    server.listen({ fd });
    return server;
  } catch (error) {
    throw new Error(`hostPort ${port}: ${errorMessage(error)}`, { cause: error });
  }
}

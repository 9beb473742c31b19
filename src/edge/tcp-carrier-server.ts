import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Target } from './host-port.ts';
import type { Carrier } from './udp-carrier-server.ts';

/** Carries each connection that comes to the socket to one of the targets in turn, both directions, both ends. */
export function carryTcp(fd: number, targets: readonly Target[], onError: (error: Error) => void): Carrier {
  let aims = targets;
  let turn = 0;
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = aims[turn++ % Math.max(1, aims.length)];
    if (target === undefined) client.resetAndDestroy();
    else join(client, target);
  });
  server.on('error', onError);
  server.listen({ fd });
  return {
    aim(next) {
      aims = next;
    },
    close: () => server.close(),
  };
}

/** What happens to one end happens to the other: an end of data passes on alone, anything worse is a reset of both. */
function join(client: Socket, { address, port }: Target): void {
  const inner = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
  const reset = (): void => {
    client.resetAndDestroy();
    inner.resetAndDestroy();
  };
  client.on('error', reset);
  inner.on('error', reset);
  client.pipe(inner);
  inner.pipe(client);
}

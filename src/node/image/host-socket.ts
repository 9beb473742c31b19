import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { foreignFunctions } from '#netlink/c-library.ts';

type OpenSocket = {
  async(family: number, type: number, protocol: number, done: (error: Error | null, fd: number) => void): void;
};

let open: OpenSocket | undefined;

/**
 * A connection from the machine's own network, though the calling thread has left it and may not come back. The threads
 * of libuv's pool never left: there a socket is made, and names are looked up. A socket stays where it was made.
 */
export async function connectFromHost(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const addresses = await lookup(host.replaceAll(/[[\]]/g, ''), { all: true, order: 'ipv4first' });
  let last: unknown = new Error(`lookup ${host}: no such host`);
  for (const { address, family } of addresses) {
    signal.throwIfAborted();
    try {
      return await connect(await openOnPool(family === 6 ? AF_INET6 : AF_INET), address, port, signal);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function connect(fd: number, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = new Socket({ fd });
  const abort = (): void => {
    socket.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.connect({ host, port });
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function openOnPool(family: number): Promise<number> {
  open ??= foreignFunctions().load(null).func('int socket(int, int, int)') as unknown as OpenSocket;
  const call = open;
  return new Promise((resolve, reject) => {
    call.async(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, (error, fd) => {
      if (error !== null || fd < 0) reject(error ?? new Error('no socket was made'));
      else resolve(fd);
    });
  });
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

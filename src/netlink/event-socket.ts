import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Channel } from '#base/channel.ts';
import { errorCode } from '#base/errors.ts';
import { decodeMessages, type Message } from './message.ts';
import * as native from './native.ts';
import { NetlinkSocket, type NetlinkSocketOptions } from './socket.ts';

/** `lost`: the queue ran over (ENOBUFS), so read the whole state again. */
export type NetlinkEvent =
  | { readonly kind: 'messages'; readonly messages: readonly Message[] }
  | { readonly kind: 'lost' };

/**
 * Notifications of multicast groups, in the network namespace that the calling thread is in now (not when the loop
 * starts). Ends when the signal aborts or the loop is left.
 */
export function watchNetlink(
  options: NetlinkSocketOptions & { readonly signal?: AbortSignal },
): AsyncIterable<NetlinkEvent> {
  return watchSocket(NetlinkSocket.open(options), options.signal);
}

/** The same on a socket that has joined its groups already; it is closed in the end. */
export function watchSocket(netlink: NetlinkSocket, signal: AbortSignal | undefined): AsyncIterable<NetlinkEvent> {
  const channel = new Channel<NetlinkEvent>();
  let stream = readThroughEventLoop(netlink.fd);

  const stop = (): void => {
    signal?.removeEventListener('abort', stop);
    channel.close();
    stream.destroy();
    netlink.close();
  };
  const attach = (): void => {
    stream.on('data', (datagram: Buffer) => {
      try {
        channel.push({ kind: 'messages', messages: decodeMessages(datagram) });
      } catch (error) {
        channel.fail(error as Error);
        stop();
      }
    });
    stream.on('error', (error) => {
      if (channel.closed) return;
      if (errorCode(error) !== 'ENOBUFS') {
        channel.fail(error);
        stop();
        return;
      }
      discard(netlink);
      channel.push({ kind: 'lost' });
      stream = readThroughEventLoop(netlink.fd);
      attach();
    });
  };

  attach();
  channel.onReturn = stop;
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return channel;
}

/**
 * What is left in the queue is older than the loss. With it gone the kernel will tell of the next loss, so that nothing
 * happens unseen between 'lost' and the state that its reader then looks up.
 */
function discard(netlink: NetlinkSocket): void {
  try {
    netlink.receiveSync();
  } catch (error) {
    if (errorCode(error) !== 'ENOBUFS') throw error;
  }
}

/**
 * Node's event loop reads from pipes and TCP sockets only, judged by the kind of the descriptor when the stream is
 * made. So the stream gets a Unix socket, under whose number we then put the netlink socket, in the same turn: the loop
 * looks at the descriptor next when it polls. Each read(2) returns one datagram, and with it each 'data' event.
 */
function readThroughEventLoop(fd: number): Socket {
  const [stand, other] = native.socketpair(native.AF_UNIX, native.SOCK_STREAM);
  const stream = new Socket({ fd: stand, readable: true, writable: false });
  native.dup3(fd, stand, native.O_CLOEXEC);
  closeSync(other);
  return stream;
}

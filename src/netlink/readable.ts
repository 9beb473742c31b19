import { closeSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import * as native from './native.ts';

/**
 * Calls `readable` in a turn of the event loop whenever the descriptor has something to read, for as long as it has.
 *
 * Node's event loop waits for descriptors only to read them itself, which for datagrams is one a system call. So it gets a
 * UDP socket of ours, under whose number we put an epoll descriptor that mirrors the one in question: it wakes the loop,
 * whose attempt to read it is refused (ENOTSOCK), and that error is what tells us.
 */
export function watchReadable(fd: number, readable: () => void): Disposable {
  const stand = native.socket(native.AF_INET, native.SOCK_DGRAM | native.SOCK_NONBLOCK, 0);
  const socket = createSocket('udp4');
  let closed = false;
  socket.on('error', () => {
    if (!closed) readable();
  });
  socket.once('listening', () => {
    if (closed) return;
    const mirror = native.mirrorReadable(fd);
    native.dup3(mirror, stand, native.O_CLOEXEC);
    closeSync(mirror);
  });
  socket.bind({ fd: stand });
  return {
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}

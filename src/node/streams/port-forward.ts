import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage } from '#base/errors.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';

/** Opens a connection to a port of the Pod. */
export type PortDialer = (port: number) => Socket;

export function portDialer(runtime: Runtime, handle: Pick<ContainerHandle, 'podUid'>): PortDialer {
  return (port) => runtime.dial(handle.podUid, port);
}

/**
 * Serves portforward.k8s.io on a SPDY connection: for each forwarded connection the client opens an error stream and a
 * data stream with the same `requestid`. Resolves when the client is gone.
 */
export function servePortForward(transport: Duplex, pod: string, dial: PortDialer): Promise<void> {
  const errors = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(transport, (stream) => {
    const request = stream.headers.get('requestid') ?? String(stream.id);
    if (stream.headers.get('streamtype') === 'error') {
      // The client ends its side at once; the stream is there for us to write to.
      stream.resume();
      errors.set(request, stream);
      stream.once('close', () => errors.delete(request));
      return;
    }
    const port = Number(stream.headers.get('port'));
    const error = errors.get(request);
    errors.delete(request);
    if (stream.headers.get('streamtype') !== 'data' || error === undefined || !(port > 0 && port < 65536)) {
      stream.destroy();
      return;
    }
    forward(stream, port, pod, dial, (message) => error.end(message));
  });
  return connection.closed;
}

/** Joins a stream of the client with a connection into the Pod. `done` is called once, with the error there was. */
export function forward(
  stream: Duplex,
  port: number,
  pod: string,
  dial: PortDialer,
  done: (message: string | undefined) => void,
): void {
  let socket: Socket;
  const fail = (error: unknown): void => {
    stream.end();
    stream.resume();
    done(
      `error forwarding port ${port} to pod ${pod}, uid : failed to connect to localhost:${port} inside namespace: ${errorMessage(error)}`,
    );
  };
  try {
    socket = dial(port);
  } catch (error) {
    fail(error);
    return;
  }
  let settled = false;
  const settle = (): void => {
    if (settled) return;
    settled = true;
    done(undefined);
  };
  socket.on('error', (error) => {
    if (settled) return;
    settled = true;
    fail(error);
  });
  stream.on('error', () => stream.destroy());
  stream.on('close', () => socket.destroy());
  socket.on('close', () => {
    stream.end();
    stream.resume();
    settle();
  });
  stream.pipe(socket);
  socket.pipe(stream);
}

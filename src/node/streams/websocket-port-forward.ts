import { PassThrough, Duplex } from 'node:stream';
import { type RawData, type WebSocket } from 'ws';
import { forward, type PortDialer } from './port-forward.ts';

/**
 * Port-forward as clients other than kubectl do it over v4.channel.k8s.io: the ports stand in the query, and port number i
 * has channel 2i for data and 2i+1 for errors. Both begin with the port in two bytes, little-endian.
 */
export function serveChannelPortForward(
  socket: WebSocket,
  ports: readonly number[],
  pod: string,
  dial: PortDialer,
): void {
  const inputs: PassThrough[] = [];
  socket.on('error', () => socket.terminate());
  const send = (channel: number, bytes: Uint8Array, sent: () => void): void => {
    socket.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true }, sent);
  };
  for (const [index, port] of ports.entries()) {
    const greeting = Buffer.alloc(2);
    greeting.writeUInt16LE(port);
    const data = index * 2;
    for (const channel of [data, data + 1]) send(channel, greeting, () => {});
    const input = new PassThrough();
    inputs.push(input);
    const output = new PassThrough();
    void sendAll(output, (bytes, sent) => send(data, bytes, sent));
    const stream = Duplex.from({ readable: input, writable: output });
    forward(stream, port, pod, dial, (message) => {
      if (message !== undefined) send(data + 1, Buffer.from(message), () => {});
    });
  }
  socket.on('message', (message: RawData) => {
    const bytes = message as Buffer;
    const channel = bytes[0] ?? 1;
    const input = channel % 2 === 0 ? inputs[channel / 2] : undefined;
    if (input === undefined || input.writableEnded || bytes.length < 2) return;
    if (input.write(bytes.subarray(1))) return;
    socket.pause();
    input.once('drain', () => socket.resume());
  });
  socket.on('close', () => {
    for (const input of inputs) input.end();
  });
}

async function sendAll(source: PassThrough, send: (bytes: Uint8Array, sent: () => void) => void): Promise<void> {
  try {
    for await (const chunk of source) await new Promise<void>((resolve) => send(chunk as Buffer, resolve));
  } catch {
    // The connection into the Pod broke; its close has been told.
  }
}

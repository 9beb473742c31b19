import { PassThrough, Duplex } from 'node:stream';
import type { ChannelSocket } from './channel-socket.ts';
import { forward, type PortDialer } from './port-forward.ts';

/**
 * Port-forward as clients other than kubectl do it over v4.channel.k8s.io: the ports stand in the query, and port number i
 * has channel 2i for data and 2i+1 for errors. Both begin with the port in two bytes, little-endian.
 */
export function serveChannelPortForward(
  socket: ChannelSocket,
  ports: readonly number[],
  pod: string,
  dial: PortDialer,
): void {
  const inputs: PassThrough[] = [];
  const outputs: Promise<void>[] = [];
  for (const [index, port] of ports.entries()) {
    const greeting = Buffer.alloc(2);
    greeting.writeUInt16LE(port);
    const data = index * 2;
    for (const channel of [data, data + 1]) socket.send(channel, greeting, () => {});
    const input = new PassThrough();
    inputs.push(input);
    const output = new PassThrough();
    outputs.push(sendAll(output, (bytes, sent) => socket.send(data, bytes, sent)));
    const stream = Duplex.from({ readable: input, writable: output });
    forward(stream, port, pod, dial, (message) => {
      if (message !== undefined) socket.send(data + 1, Buffer.from(message), () => {});
    });
  }
  // Clients without more connections than these wait for the end.
  void Promise.all(outputs).then(() => socket.close());
  socket.onMessage((channel, body) => {
    const input = channel % 2 === 0 ? inputs[channel / 2] : undefined;
    if (input === undefined || input.writableEnded || body.length === 0) return;
    if (input.write(body)) return;
    socket.pause();
    input.once('drain', () => socket.resume());
  });
  socket.onClose(() => {
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

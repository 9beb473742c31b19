import type { WebSocket } from 'ws';

/** As they are, or as text for those that can read only that. A client that names none gets the first. */
export const LOG_PROTOCOLS: readonly string[] = ['binary.k8s.io', 'base64.binary.k8s.io'];

/** Sends `chunks` as messages, after an empty one that says that they come; then closes. */
export async function sendLog(socket: WebSocket, chunks: AsyncIterable<Buffer>): Promise<void> {
  socket.on('error', () => socket.terminate());
  const isText = socket.protocol === 'base64.binary.k8s.io';
  const send = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const data = isText ? bytes.toString('base64') : bytes;
      socket.send(data, { binary: !isText }, (error) => (error == null ? resolve() : reject(error)));
    });
  await send(Buffer.alloc(0));
  for await (const bytes of chunks) await send(bytes);
  socket.close(1000);
}

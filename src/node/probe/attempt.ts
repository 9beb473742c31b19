import type { Socket } from 'node:net';
import type { ExecProcess } from '../runtime.ts';

export type ProbeResult =
  /** With a `warning` it is a success that somebody should look at. */
  | { readonly ok: true; readonly warning?: string }
  /** It could not even be tried with `errored`, which is nothing against the container. */
  | { readonly ok: false; readonly message: string; readonly errored?: true };

export interface AttemptContext {
  /** A connection from the node's network, as a kubelet probes. */
  readonly dial: (host: string, port: number) => Socket;
  readonly exec: (command: readonly string[]) => ExecProcess;
}

/** Why an attempt's signal aborts when its time is over. */
export class ProbeTimeout extends Error {
  /** As Go writes it: `1s`, `1m30s`. */
  readonly after: string;

  constructor(after: string) {
    super(`timed out after ${after}`);
    this.after = after;
  }
}

/** `ADDRESS:PORT`, as URLs have it. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Calls `fn` with the signal, until the end of the block. */
export function onAbort(signal: AbortSignal, fn: () => void): Disposable {
  signal.addEventListener('abort', fn, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', fn) };
}

/** Ends the connection with the signal, or at the end of the block. */
export function destroyOn(signal: AbortSignal, socket: Socket): Disposable {
  const aborted = onAbort(signal, () => socket.destroy(signal.reason as Error));
  // Nobody may be listening any more when a late error comes.
  socket.on('error', () => {});
  return {
    [Symbol.dispose]: () => {
      aborted[Symbol.dispose]();
      socket.destroy();
    },
  };
}

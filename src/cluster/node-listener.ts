import { type MessagePort } from 'node:worker_threads';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';

interface Ask {
  readonly id: number;
  readonly node: string;
  readonly port: number;
}

type Answer = { readonly id: number } & ({ readonly fd: number } | { readonly code: string; readonly message: string });

/**
 * Sockets of nodes' networks for a thread that cannot enter them: it would not come back to the host's. This end is with
 * the thread that can.
 */
export function serveNodeListeners(channel: MessagePort, open: (node: string, port: number) => number): void {
  channel.on('message', ({ id, node, port }: Ask) => {
    const answer = (rest: { fd: number } | { code: string; message: string }): void =>
      channel.postMessage({ id, ...rest } satisfies Answer);
    try {
      answer({ fd: open(node, port) });
    } catch (error) {
      answer({ code: errorCode(error) ?? 'EFAILED', message: errorMessage(error) });
    }
  });
}

/** The other end: resolves to a bound TCP socket of the node. */
export function nodeListeners(channel: MessagePort): (node: string, port: number) => Promise<number> {
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let last = 0;
  channel.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('fd' in answer) asked?.resolve(answer.fd);
    else asked?.reject(new CodedError(answer.code, answer.message));
  });
  return (node, port) => {
    const asked = Promise.withResolvers<number>();
    const id = ++last;
    waiting.set(id, asked);
    channel.postMessage({ id, node, port } satisfies Ask);
    return asked.promise;
  };
}

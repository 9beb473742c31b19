import type { MessagePort } from 'node:worker_threads';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';

type Errand =
  | { readonly kind: 'listen'; readonly id: number; readonly node: string; readonly port: number }
  | { readonly kind: 'service-ranges'; readonly ranges: readonly string[] };

type Answer = { readonly id: number } & ({ readonly fd: number } | { readonly code: string; readonly message: string });

/** What only a thread that may enter the nodes' networks and come back can do. */
export interface NodeNetworks {
  /** A bound TCP socket of the node, at all of its addresses. */
  listen(node: string, port: number): number;
  /** Cluster addresses come out of these besides those of the configuration. */
  setServiceRanges(ranges: readonly string[]): void;
}

/** Runs errands for a thread that cannot: it would not come back to the host's network. */
export function runNodeErrands(channel: MessagePort, networks: NodeNetworks): void {
  channel.on('message', (errand: Errand) => {
    if (errand.kind === 'service-ranges') {
      networks.setServiceRanges(errand.ranges);
      return;
    }
    const { id, node, port } = errand;
    let answer: Answer;
    try {
      answer = { id, fd: networks.listen(node, port) };
    } catch (error) {
      answer = { id, code: errorCode(error) ?? 'EFAILED', message: errorMessage(error) };
    }
    channel.postMessage(answer);
  });
}

export interface NodeErrands {
  listen(node: string, port: number): Promise<number>;
  setServiceRanges(ranges: readonly string[]): void;
}

/** The other end. */
export function nodeErrands(channel: MessagePort): NodeErrands {
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let last = 0;
  const send = (errand: Errand): void => channel.postMessage(errand);
  channel.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('fd' in answer) asked?.resolve(answer.fd);
    else asked?.reject(new CodedError(answer.code, answer.message));
  });
  return {
    listen(node, port) {
      const asked = Promise.withResolvers<number>();
      const id = ++last;
      waiting.set(id, asked);
      send({ kind: 'listen', id, node, port });
      return asked.promise;
    },
    setServiceRanges: (ranges) => send({ kind: 'service-ranges', ranges }),
  };
}

import type { MessagePort } from 'node:worker_threads';
import { Channel } from '#base/channel.ts';
import type { WatchEvent } from '#api/object.ts';
import type { ToClient, ToServer, WireRequest } from './port-messages.ts';
import { apiErrorOf, type Transport, type TransportRequest, type TransportResponse } from './transport.ts';

type Port = Pick<MessagePort, 'postMessage' | 'on' | 'off' | 'close'>;
type Answer = Extract<ToClient, { kind: 'answer' }>;

interface Waiting {
  answer(answer: Answer): void;
  events(events: readonly WatchEvent[]): void;
  end(error: Error | undefined): void;
}

/** The API server of another thread, behind `serveTransport` at the other end of `port`. */
export function portTransport(port: Port): Transport & Disposable {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closed = false;
  const send = (message: ToServer): void => {
    if (!closed) port.postMessage(message);
  };
  const onMessage = (message: ToClient): void => {
    const found = waiting.get(message.id);
    if (message.kind !== 'events') waiting.delete(message.id);
    if (found === undefined) return;
    if (message.kind === 'answer') found.answer(message);
    else if (message.kind === 'end') found.end(message.error === undefined ? undefined : new Error(message.error));
    else found.events(JSON.parse(message.text) as WatchEvent[]);
  };
  const onClose = (): void => {
    closed = true;
    const error = new Error('Cannot reach the API server: its port was closed');
    for (const entry of waiting.values()) entry.end(error);
    waiting.clear();
  };
  port.on('message', onMessage);
  port.on('close', onClose);

  const register = (kind: 'request' | 'watch', request: TransportRequest, entry: Waiting): number => {
    if (closed) {
      entry.end(new Error('Cannot reach the API server: its port was closed'));
      return 0;
    }
    const id = ++lastId;
    waiting.set(id, entry);
    send({ kind, id, request: wireRequest(request) });
    return id;
  };
  const cancel = (id: number): void => {
    if (waiting.delete(id)) send({ kind: 'cancel', id });
  };
  return {
    request: (request) => requestOnce(request, register, cancel),
    watch: (request, signal) => watchEvents(request, signal, { register, cancel, send }),
    [Symbol.dispose]: () => {
      port.off('message', onMessage);
      port.close();
      onClose();
    },
  };
}

type Register = (kind: 'request' | 'watch', request: TransportRequest, entry: Waiting) => number;

function requestOnce(
  request: TransportRequest,
  register: Register,
  cancel: (id: number) => void,
): Promise<TransportResponse> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel(id);
      reject(signal?.reason as Error);
    };
    const id = register('request', request, {
      answer(answer) {
        signal?.removeEventListener('abort', onAbort);
        resolve(decoded(answer));
      },
      events() {},
      end(error) {
        signal?.removeEventListener('abort', onAbort);
        reject(error ?? new Error(`Cannot read the answer to "${request.path}": none came`));
      },
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function* watchEvents(
  request: TransportRequest,
  signal: AbortSignal,
  port: { register: Register; cancel: (id: number) => void; send: (message: ToServer) => void },
): AsyncGenerator<WatchEvent> {
  if (signal.aborted) return;
  const batches = new Channel<readonly WatchEvent[]>();
  const id = port.register('watch', request, {
    answer: (answer) => batches.fail(apiErrorOf(answer.status, decoded(answer).body)),
    events: (events) => void batches.push(events),
    end: (error) => (error === undefined ? batches.close() : batches.fail(error)),
  });
  const onAbort = (): void => batches.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const batch of batches) {
      for (const event of batch) {
        if (signal.aborted) return;
        yield event;
      }
      port.send({ kind: 'ack', id });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    port.cancel(id);
  }
}

function wireRequest(request: TransportRequest): WireRequest {
  const { method, path, query, contentType, accept, body } = request;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return { method, path, query, contentType, accept, body: text };
}

function decoded(answer: Answer): TransportResponse {
  const { status, contentType, warnings } = answer;
  const body: unknown = answer.json ? JSON.parse(answer.body as string) : answer.body;
  return { status, body, contentType, warnings };
}

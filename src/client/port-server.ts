import type { MessagePort } from 'node:worker_threads';
import { errorMessage } from '#base/errors.ts';
import type { ApiHandler, ApiResponse, UserInfo, WatchFrame } from '#api/request.ts';
import { BATCH_EVENTS, BATCHES_IN_FLIGHT, type ToClient, type ToServer } from './port-messages.ts';

type Port = Pick<MessagePort, 'postMessage' | 'on' | 'off' | 'close'>;

interface Call {
  readonly abort: AbortController;
  /** Batches sent and not yet acknowledged. */
  inFlight: number;
  resume: (() => void) | undefined;
}

/** Serves `handler` to a `portTransport` at the other end of `port`, as `user`, until disposed or the port closes. */
export function serveTransport(port: Port, handler: ApiHandler, user: UserInfo): Disposable {
  const calls = new Map<number, Call>();
  let closed = false;
  const send = (message: ToClient): void => {
    if (!closed) port.postMessage(message);
  };
  const onMessage = (message: ToServer): void => {
    const call = calls.get(message.id);
    switch (message.kind) {
      case 'request':
      case 'watch': {
        const opened: Call = { abort: new AbortController(), inFlight: 0, resume: undefined };
        calls.set(message.id, opened);
        void serve(message, opened, handler, user, send).finally(() => calls.delete(message.id));
        break;
      }
      case 'cancel':
        call?.abort.abort();
        call?.resume?.();
        break;
      case 'ack':
        if (call !== undefined) call.inFlight--;
        call?.resume?.();
        break;
    }
  };
  const stop = (): void => {
    closed = true;
    port.off('message', onMessage);
    for (const call of calls.values()) {
      call.abort.abort();
      call.resume?.();
    }
  };
  port.on('message', onMessage);
  port.on('close', stop);
  return {
    [Symbol.dispose]: () => {
      stop();
      port.close();
    },
  };
}

async function serve(
  message: Extract<ToServer, { kind: 'request' | 'watch' }>,
  call: Call,
  handler: ApiHandler,
  user: UserInfo,
  send: (message: ToClient) => void,
): Promise<void> {
  const { id, request } = message;
  const { signal } = call.abort;
  try {
    const response = await handler({
      ...request,
      query: request.query ?? {},
      user,
      signal,
      body: parsedBody(request.body),
    });
    if (response.kind !== 'watch') {
      if (!signal.aborted) send(answerOf(id, response));
      return;
    }
    await pump(id, response.frames, call, send);
    send({ kind: 'end', id });
  } catch (error) {
    send({ kind: 'end', id, error: errorMessage(error) });
  }
}

/** YAML of an apply patch stays text. */
function parsedBody(body: string | undefined): unknown {
  if (body === undefined || !/^\s*[[{]/.test(body)) return body;
  return JSON.parse(body);
}

function answerOf(id: number, response: Exclude<ApiResponse, { kind: 'watch' }>): ToClient {
  const { status, contentType } = response;
  if (response.kind === 'text') return { kind: 'answer', id, status, json: false, body: response.body, contentType };
  const body = response.text ?? JSON.stringify(response.body);
  return { kind: 'answer', id, status, json: true, body, contentType, warnings: response.warnings };
}

/**
 * Sends what has come in since the last turn of the event loop as one message: one event goes out in well under a
 * millisecond, and a burst costs a message per 256.
 */
async function pump(
  id: number,
  frames: AsyncIterable<WatchFrame>,
  call: Call,
  send: (message: ToClient) => void,
): Promise<void> {
  let batch: string[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  const flush = (): void => {
    if (scheduled !== undefined) clearImmediate(scheduled);
    scheduled = undefined;
    if (batch.length === 0 || call.abort.signal.aborted) return;
    send({ kind: 'events', id, text: `[${batch.join(',')}]` });
    call.inFlight++;
    batch = [];
  };
  for await (const frame of frames) {
    if (call.abort.signal.aborted) break;
    batch.push(frame.text);
    if (batch.length >= BATCH_EVENTS) flush();
    else scheduled ??= setImmediate(flush);
    while (call.inFlight >= BATCHES_IN_FLIGHT && !call.abort.signal.aborted) {
      // The reader is behind; meanwhile the server's own queue fills, and its limit decides.
      await new Promise<void>((resolve) => {
        call.resume = resolve;
      });
    }
  }
  flush();
}

import type { WatchEvent } from '#api/object.ts';
import type { ApiHandler, UserInfo } from '#api/request.ts';
import { apiErrorOf, type Transport, type TransportRequest } from './transport.ts';

/**
 * The API server as a function call: nothing is serialised, and what comes back is the server's own object, shared with
 * its cache. Therefore objects are read-only throughout.
 */
export function inProcessTransport(handler: ApiHandler, user: UserInfo): Transport {
  return {
    async request(request) {
      const response = await handler({ ...request, query: request.query ?? {}, user });
      if (response.kind === 'watch') throw new TypeError(`Cannot answer "${request.path}" at once: it is a watch`);
      const { status, body, contentType } = response;
      return { status, body, contentType, warnings: response.kind === 'object' ? response.warnings : undefined };
    },
    watch: (request, signal) => watchEvents(handler, user, request, signal),
  };
}

async function* watchEvents(
  handler: ApiHandler,
  user: UserInfo,
  request: TransportRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const response = await handler({ ...request, query: request.query ?? {}, user, signal });
  if (response.kind !== 'watch') throw apiErrorOf(response.status, response.body);
  for await (const frame of response.frames) {
    if (signal.aborted) return;
    yield frame.event;
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { http } from '#base/http.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { ListenTarget } from '../health-check-server.ts';

export interface TextAnswer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

export interface PageServerOptions {
  /** For people: `healthz`. */
  readonly name: string;
  /** For people: `0.0.0.0:10256`. */
  readonly at: string;
  /** Called for each attempt. */
  readonly listen: () => ListenTarget | Promise<ListenTarget>;
  readonly pages: Readonly<Record<string, (query: URLSearchParams) => TextAnswer>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const RETRY_MS = 5000;

/**
 * Serves a few pages until the signal aborts. A port that is taken, mostly by the proxy that this one replaces, is tried
 * again: the promise tells of the first attempt.
 */
export function servePages(options: PageServerOptions): Promise<void> {
  const { at, clock, log, name, signal } = options;
  const server = http.createServer((request, response) => answer(options, request, response));
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
  const listen = (): void => {
    Promise.try(options.listen).then(
      (target) => void server.listen(target),
      (error: unknown) => void server.emit('error', error),
    );
  };
  return new Promise((resolve, reject) => {
    server.on('listening', resolve);
    server.on('error', (error) => {
      reject(error);
      if (signal.aborted) return;
      log.error('cannot serve', { name, at, error: errorMessage(error), retryMs: RETRY_MS });
      const again = clock.after(RETRY_MS, listen);
      signal.addEventListener('abort', () => again[Symbol.dispose](), { once: true });
    });
    listen();
  });
}

function answer({ pages }: PageServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const [path = '/', query] = (request.url ?? '/').split('?');
  const page = Object.hasOwn(pages, path) ? pages[path]?.(new URLSearchParams(query)) : undefined;
  const { code, type, body } = page ?? {
    code: 404,
    type: 'text/plain; charset=utf-8',
    body: '404 page not found\n',
  };
  response.writeHead(code, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

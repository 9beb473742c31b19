import type { Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { ApiResponse, WatchFrame } from '#api/request.ts';
import { isTrue } from '../request-info.ts';
import type { ServerResponse } from '../response.ts';
import { EventFrame } from '../watch/frame.ts';
import { header, type Exchange } from './exchange.ts';
import type { RequestUrl } from './request-url.ts';

const NO_CACHE = { 'cache-control': 'no-cache, private' } as const;
/** A reader that takes nothing for so long, though there is something for it, is given up. */
const STALL_MS = 30_000;

type ObjectResponse = Extract<ApiResponse, { kind: 'object' }>;

export async function writeResponse(
  exchange: Exchange,
  url: RequestUrl,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  switch (response.kind) {
    case 'object':
      return writeObject(exchange, url, response);
    case 'text':
      return writeWhole(exchange, response.status, response.contentType, response.body, response.headers ?? {});
    case 'watch':
      return writeWatch(exchange, response.frames, response.contentType ?? 'application/json', clock);
    case 'stream':
      return writeStream(exchange, response.status, response.contentType, response.body, clock);
  }
}

async function writeObject(exchange: Exchange, url: RequestUrl, response: ObjectResponse): Promise<void> {
  const contentType = response.contentType ?? 'application/json';
  const headers: Record<string, string | string[]> = { ...response.headers };
  const warnings = response.warnings ?? [];
  if (warnings.length > 0) headers['warning'] = warnings.map((text) => `299 - ${JSON.stringify(text)}`);
  writeWhole(exchange, response.status, contentType, await textOf(exchange, url, response), headers);
}

async function textOf(exchange: Exchange, url: RequestUrl, response: ObjectResponse): Promise<string> {
  if (response.contentType === 'application/yaml') {
    const { stringify } = await import('yaml');
    return stringify(response.body);
  }
  if (wantsPretty(exchange, url)) return `${JSON.stringify(response.body, null, 2)}\n`;
  return `${response.text ?? JSON.stringify(response.body)}\n`;
}

/** People read what curl prints. */
function wantsPretty(exchange: Exchange, { query }: RequestUrl): boolean {
  if (query['pretty'] !== undefined) return isTrue(query['pretty']);
  return /^(?:curl|Wget)\//.test(header(exchange, 'user-agent') ?? '');
}

function writeWhole(
  exchange: Exchange,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string | string[]>>,
): void {
  const { etag } = headers;
  const all = { ...NO_CACHE, ...headers };
  if (etag !== undefined && header(exchange, 'if-none-match') === etag) {
    exchange.head(304, all);
    exchange.end();
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  exchange.head(status, { ...all, 'content-type': contentType, 'content-length': String(bytes.length) });
  exchange.end(bytes);
}

async function writeWatch(
  exchange: Exchange,
  frames: AsyncIterable<WatchFrame>,
  contentType: string,
  clock: Clock,
): Promise<void> {
  exchange.head(200, { ...NO_CACHE, 'content-type': contentType });
  try {
    for await (const frame of frames) {
      if (exchange.signal.aborted) break;
      const chunk = frame instanceof EventFrame ? frame.bytes : `${frame.text}\n`;
      if (!exchange.write(chunk)) await drained(exchange, clock);
    }
    exchange.end();
  } catch {
    // The reader fell too far behind: an answer that is cut off tells it to begin anew.
    exchange.destroy();
  }
}

async function writeStream(
  exchange: Exchange,
  status: number,
  contentType: string,
  body: Readable,
  clock: Clock,
): Promise<void> {
  exchange.head(status, { ...NO_CACHE, 'content-type': contentType });
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (exchange.signal.aborted) break;
      if (!exchange.write(chunk)) await drained(exchange, clock);
    }
    exchange.end();
  } catch {
    exchange.destroy();
  } finally {
    body.destroy();
  }
}

async function drained(exchange: Exchange, clock: Clock): Promise<void> {
  using _timer = clock.after(STALL_MS, () => exchange.destroy());
  await exchange.drained();
}

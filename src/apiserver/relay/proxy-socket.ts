import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { pipeline, type Duplex, type Readable, type Transform } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import {
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
} from 'node:zlib';
import { http } from '#base/http.ts';
import { errorMessage } from '#base/errors.ts';
import { serviceUnavailable } from '#api/status.ts';
import type { NodeDialer } from '../node-proxy.ts';
import type { Exchange } from '../http/exchange.ts';
import { StatusError } from '../status-error.ts';
import { proxiedLink, proxiedLinks, type LinkBase } from './html-links.ts';
import type { PodDialer } from './pod-dialer.ts';
import type { ProxyPath } from './proxy-path.ts';
import type { ProxyTarget } from './proxy-target.ts';

export interface Dialers {
  readonly nodes: NodeDialer;
  readonly pods: PodDialer;
}

export async function dialTarget(dialers: Dialers, target: ProxyTarget): Promise<Duplex> {
  if (target.kind === 'node') return dialers.nodes(target.nodeName);
  const connection = await dialers.pods(target.address, target.port);
  // Nobody gives Pods certificates that we could check; kube-apiserver does not either.
  return target.tls ? connectTls({ socket: connection, rejectUnauthorized: false }) : connection;
}

/** What belongs to one connection (RFC 9110, 7.6.1), and what only we had to know. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function isPassedOn(name: string): boolean {
  return !name.startsWith(':') && !name.startsWith('impersonate-') && !NOT_PASSED_ON.has(name);
}

function passedOn(headers: Exchange['headers']): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && isPassedOn(name)) passed[name] = typeof value === 'string' ? value : [...value];
  }
  return passed;
}

/** Passes one request on and its answer back, both as they come. */
export async function relay(exchange: Exchange, to: ProxyPath, target: ProxyTarget, dialers: Dialers): Promise<void> {
  const answer = await ask(exchange, to, target, dialers);
  const headers = passedOn(answer.headers);
  const { location } = answer.headers;
  const base = { prefix: to.prefix, host: target.host };
  // A redirect to another path of the backend leads back through here, and so does a link of a page.
  if (location !== undefined) headers['location'] = proxiedLink(location, base);
  const body = exchange.method === 'HEAD' ? answer : relinked(answer, base);
  if (body !== answer) delete headers['content-length'];
  exchange.head(answer.statusCode ?? 502, headers);
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (exchange.signal.aborted) break;
    if (!exchange.write(chunk)) await exchange.drained();
  }
  exchange.end();
}

/** A page with its links changed, as compressed as it came; anything else, and what we cannot read, as it is. */
function relinked(answer: IncomingMessage, base: LinkBase): Readable {
  if (!/^text\/html\s*(?:;|$)/i.test(answer.headers['content-type'] ?? '')) return answer;
  const links = proxiedLinks(base);
  const steps = recoded(answer.headers['content-encoding'] ?? '', links);
  if (steps === undefined) return answer;
  // What breaks breaks the end of the chain, which is read.
  return pipeline([answer, ...steps], () => {}) as unknown as Readable;
}

function recoded(encoding: string, links: Transform): Transform[] | undefined {
  switch (encoding.toLowerCase()) {
    case '':
    case 'identity':
      return [links];
    case 'gzip':
      return [createGunzip(), links, createGzip()];
    case 'deflate':
      return [createInflate(), links, createDeflate()];
    case 'br':
      return [createBrotliDecompress(), links, createBrotliCompress()];
    default:
      return undefined;
  }
}

async function ask(exchange: Exchange, to: ProxyPath, target: ProxyTarget, dialers: Dialers): Promise<IncomingMessage> {
  try {
    const connection = await dialTarget(dialers, target);
    return await send(exchange, to, target, connection);
  } catch (error) {
    throw new StatusError(serviceUnavailable(`error trying to reach service: ${errorMessage(error)}`));
  }
}

function send(exchange: Exchange, to: ProxyPath, target: ProxyTarget, connection: Duplex): Promise<IncomingMessage> {
  const { method, url, headers } = exchange;
  const { host = headers[':authority'] ?? '' } = headers;
  return new Promise((resolve, reject) => {
    const request = http.request({
      method,
      path: backendPath(url, to),
      headers: {
        ...passedOn(headers),
        ...(hasUnsizedBody(exchange) ? { 'transfer-encoding': 'chunked' } : {}),
        host: target.host,
        connection: 'close',
        'x-forwarded-host': String(host),
        'x-forwarded-proto': 'https',
        'x-forwarded-uri': `${to.prefix}${to.path}`,
      },
      createConnection: () => connection,
      signal: exchange.signal,
    });
    request.on('response', resolve);
    request.on('error', reject);
    connection.on('error', reject);
    exchange.body.pipe(request);
  });
}

/**
 * Node frames a body without a size for some methods only. Sent as it is, the body of a DELETE would be taken for the
 * next request.
 */
function hasUnsizedBody({ headers, body }: Exchange): boolean {
  if (headers['content-length'] !== undefined) return false;
  if (headers[':method'] === undefined) return headers['transfer-encoding'] !== undefined;
  return !(body as ServerHttp2Stream).endAfterHeaders;
}

/** The path and the query behind `/proxy`. */
export function backendPath(url: string, { path }: ProxyPath): string {
  const mark = url.indexOf('?');
  return `${path === '' ? '/' : path}${mark < 0 ? '' : url.slice(mark)}`;
}

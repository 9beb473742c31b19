import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as tlsConnect } from 'node:tls';
import type { Socket } from 'node:net';
import { http } from '#base/http.ts';
import { connectFromHost } from './host-socket.ts';
import { type HttpProxy, proxyFor } from './http-proxy.ts';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
/** A server that says nothing for so long will say nothing more. */
const SILENCE_MS = 30_000;

/** GET, from the machine's network. Redirects to another place are followed without the credentials for this one. */
export async function httpGet({ url, headers, signal }: HttpRequest): Promise<IncomingMessage> {
  let target = new URL(url);
  let given = headers;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await getOnce(target, given, signal);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    const next = new URL(location, target);
    if (target.protocol === 'https:' && next.protocol !== 'https:') {
      throw new Error(`Get ${JSON.stringify(target.href)}: redirected from https to http`);
    }
    if (next.host !== target.host) given = withoutCredentials(given);
    target = next;
  }
  throw new Error(`Get ${JSON.stringify(url)}: stopped after ${MAX_REDIRECTS} redirects`);
}

async function getOnce(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  try {
    const proxy = proxyFor(url, process.env);
    const socket = await (proxy === undefined ? connectTo(url, signal) : connectThrough(proxy, url, signal));
    const createConnection = (): Socket => socket;
    const direct = proxy === undefined || url.protocol === 'https:';
    const given = direct || proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization };
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const request = http.request({
        method: 'GET',
        // A proxy is told the whole of what it has no tunnel for.
        path: direct ? `${url.pathname}${url.search}` : url.href,
        headers: { 'user-agent': 'clusterip', connection: 'close', ...headers, ...given, host: url.host },
        createConnection,
        signal,
        timeout: SILENCE_MS,
      });
      request.once('response', resolve);
      request.once('timeout', () => request.destroy(new Error('timeout while waiting for an answer')));
      request.once('error', reject);
      request.end();
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new Error(`Get ${JSON.stringify(url.href)}: ${reasonOf(error as NodeJS.ErrnoException, url)}`, {
      cause: error,
    });
  }
}

async function connectTo(url: URL, signal: AbortSignal): Promise<Socket> {
  const secure = url.protocol === 'https:';
  const socket = await connectFromHost(url.hostname, portOf(url), signal);
  return secure ? tlsConnect({ socket, servername: url.hostname }) : socket;
}

/** To a proxy, and for what is encrypted through it. */
async function connectThrough(proxy: HttpProxy, url: URL, signal: AbortSignal): Promise<Socket> {
  const socket = await connectTo(proxy.url, signal);
  if (url.protocol !== 'https:') return socket;
  const authority = `${url.hostname}:${portOf(url)}`;
  const { authorization } = proxy;
  const request = http.request({
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) },
    createConnection: () => socket,
    signal,
    timeout: SILENCE_MS,
  });
  request.once('timeout', () => request.destroy(new Error(`proxy ${proxy.url.host} says nothing`)));
  request.end();
  const [response] = (await once(request, 'connect')) as [IncomingMessage];
  if (response.statusCode === 200) return tlsConnect({ socket, servername: url.hostname });
  socket.destroy();
  throw new Error(`proxy ${proxy.url.host}: ${response.statusCode ?? ''} ${response.statusMessage ?? ''}`.trim());
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}

/** As Go words it, which is what people search for. */
function reasonOf(error: NodeJS.ErrnoException, url: URL): string {
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case 'ECONNREFUSED':
      return `dial tcp ${url.host}: connect: connection refused`;
    default:
      return error.message;
  }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
}

/** The body as text, if it is no larger than a manifest may be. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_TEXT) throw new Error(`the answer is larger than ${MAX_TEXT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Bytes of a manifest or a configuration, at most. */
export const MAX_TEXT: number = 4 << 20;
